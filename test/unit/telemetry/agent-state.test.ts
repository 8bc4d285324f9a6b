import { describe, expect, it } from 'vitest';
import type { AgentEvent } from '../../../src/agent/events.ts';
import { AgentError } from '../../../src/errors.ts';
import { type AgentState, initialStatus, trackAgentState } from '../../../src/telemetry/agent-state.ts';
import { accepted, policyKeeping, rejected } from '../../fakes/config.ts';

const policy = policyKeeping('10.0.0.0/8');
const inSync: AgentEvent = { type: 'in-sync', trigger: 'resync', policy, verifiedBy: 'read', durationMs: 3 };
const applied: AgentEvent = {
  type: 'applied',
  trigger: 'start',
  cause: 'first',
  policy,
  previous: undefined,
  differences: ['absent'],
  durationMs: 3,
};
const failed = {
  type: 'failed',
  trigger: 'retry',
  error: new AgentError('TOOL_TIMEOUT', 'nft hung'),
  failures: 1,
  retryInMs: 500,
} as const satisfies AgentEvent;

/** The status after these events, one second apart; the agent starts at second 100. */
function statusAfter(...events: AgentEvent[]): AgentState {
  let seconds = 100;
  const tracker = trackAgentState(() => ({ wall: seconds * 1000, steady: seconds * 10 }));
  for (const event of events) {
    seconds++;
    tracker.report(event);
  }
  return tracker.status();
}

describe('the status of the agent', () => {
  it('begins with a pass and knows nothing', () => {
    const now = { wall: 1, steady: 2 };
    expect(statusAfter()).toEqual(initialStatus({ wall: 100_000, steady: 1000 }));
    expect(initialStatus(now)).toMatchObject({ startedAt: now, loop: { doing: 'pass', since: 2 }, driftRepairs: 0 });
  });

  it('keeps when the rules were last written, and when last found as they should be', () => {
    const status = statusAfter(applied, inSync, inSync);
    expect(status).toMatchObject({ policy, lastApplyAt: { wall: 101_000 }, lastSyncAt: { wall: 103_000 } });
  });

  it('counts repairs, but neither the first apply nor a change of the config', () => {
    const change: AgentEvent = { ...applied, cause: 'policy-change', previous: policyKeeping(), differences: [] };
    const repair: AgentEvent = { ...applied, cause: 'drift', previous: policy, differences: ['table is missing'] };
    expect(statusAfter(applied, change).driftRepairs).toBe(0);
    expect(statusAfter(applied, repair, inSync, repair)).toMatchObject({
      driftRepairs: 2,
      lastDriftRepairAt: { wall: 104_000 },
    });
  });

  it('keeps the last good config beside a bad one, and forgets the bad one once it is mended', () => {
    const good: AgentEvent = { type: 'config-accepted', reading: accepted(['10.0.0.0/8']) };
    const bad: AgentEvent = { type: 'config-rejected', reading: rejected('oh no'), policyKept: true };
    const status = statusAfter(good, bad);
    expect(status).toMatchObject({ config: { at: { wall: 101_000 } }, rejection: { at: { wall: 102_000 } } });
    expect(statusAfter(good, bad, good).rejection).toBeUndefined();
  });

  it('counts failures in a row and forgets them with the next success', () => {
    const again = [2, 3].map((failures): AgentEvent => ({ ...failed, failures }));
    expect(statusAfter(failed, ...again).failure).toMatchObject({ count: 3, since: { wall: 101_000 } });
    expect(statusAfter(failed, inSync).failure).toBeUndefined();
    expect(statusAfter(failed, applied).failure).toBeUndefined();
  });

  it('follows the loop on the steady clock', () => {
    expect(statusAfter({ type: 'waiting', forMs: 500 }).loop).toEqual({ doing: 'wait', until: 1510 });
    expect(statusAfter({ type: 'waiting', forMs: 500 }, { type: 'reconciling' }).loop).toEqual({
      doing: 'pass',
      since: 1020,
    });
  });

  it('is not moved by events that tell nothing of it', () => {
    const other: AgentEvent = { type: 'watch-failed', reason: 'x' };
    expect(statusAfter(other)).toEqual(statusAfter());
  });
});
