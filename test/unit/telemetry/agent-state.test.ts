import { describe, expect, it } from 'vitest';
import type { AgentEvent } from '../../../src/agent/events.ts';
import { AgentError } from '../../../src/errors.ts';
import { type AgentState, initialState, trackAgentState } from '../../../src/telemetry/agent-state.ts';
import { accepted, policyKeeping, rejected } from '../../fakes/config.ts';

const policy = policyKeeping('10.0.0.0/8');
const inSync: AgentEvent = { type: 'in-sync', trigger: 'resync', policy, verifiedBy: 'read', durationMs: 3 };
const applied: AgentEvent = {
  type: 'applied',
  cause: 'first',
  trigger: 'start',
  policy,
  previous: undefined,
  differences: ['absent'],
  durationMs: 3,
};
const failed: AgentEvent = {
  type: 'failed',
  failures: 1,
  trigger: 'retry',
  error: new AgentError('TOOL_TIMEOUT', 'nft hung'),
  retryInMs: 500,
};

/** The state after these events, one second apart; the agent starts at second 100. */
function stateAfter(...events: AgentEvent[]): AgentState {
  let seconds = 100;
  const tracker = trackAgentState(() => ({ wallClock: seconds * 1000, monotonic: seconds * 10 }));
  for (const event of events) {
    seconds++;
    tracker.report(event);
  }
  return tracker.state();
}

describe('the state of the agent', () => {
  it('begins with a pass and knows nothing', () => {
    const now = { wallClock: 1, monotonic: 2 };
    expect(stateAfter()).toEqual(initialState({ wallClock: 100_000, monotonic: 1000 }));
    expect(initialState(now)).toMatchObject({
      startedAt: now,
      loop: { doing: 'reconcile', since: 2 },
      driftRepairs: 0,
    });
  });

  it('keeps when the rules were last written, and when last found as they should be', () => {
    const state = stateAfter(applied, inSync, inSync);
    expect(state).toMatchObject({ policy, lastApplyAt: { wallClock: 101_000 }, lastSyncAt: { wallClock: 103_000 } });
  });

  it('counts repairs, but neither the first apply nor a change of the config', () => {
    const change: AgentEvent = { ...applied, cause: 'policy-change', previous: policyKeeping(), differences: [] };
    const repair: AgentEvent = { ...applied, cause: 'drift', previous: policy, differences: ['table is missing'] };
    expect(stateAfter(applied, change).driftRepairs).toBe(0);
    expect(stateAfter(applied, repair, inSync, repair)).toMatchObject({
      driftRepairs: 2,
      lastDriftRepairAt: { wallClock: 104_000 },
    });
  });

  it('keeps the last good config beside a bad one, and forgets the bad one once it is mended', () => {
    const good: AgentEvent = { type: 'config-accepted', reading: accepted(['10.0.0.0/8']) };
    const bad: AgentEvent = { type: 'config-rejected', reading: rejected('oh no'), policyKept: true };
    const state = stateAfter(good, bad);
    expect(state).toMatchObject({ config: { at: { wallClock: 101_000 } }, rejection: { at: { wallClock: 102_000 } } });
    expect(stateAfter(good, bad, good).rejection).toBeUndefined();
  });

  it('counts failures in a row and forgets them with the next success', () => {
    const again = { ...failed, failures: 3 };
    expect(stateAfter(failed, { ...failed, failures: 2 }, again).failure).toMatchObject({
      count: 3,
      since: { wallClock: 101_000 },
    });
    expect(stateAfter(failed, inSync).failure).toBeUndefined();
    expect(stateAfter(failed, applied).failure).toBeUndefined();
  });

  it('follows the loop on the monotonic clock', () => {
    expect(stateAfter({ type: 'waiting', forMs: 500 }).loop).toEqual({ doing: 'wait', until: 1510 });
    expect(stateAfter({ type: 'waiting', forMs: 500 }, { type: 'reconciling' }).loop).toEqual({
      doing: 'reconcile',
      since: 1020,
    });
  });

  it('is not moved by events that tell nothing of it', () => {
    const other: AgentEvent = { type: 'watch-failed', reason: 'x' };
    expect(stateAfter(other)).toEqual(stateAfter());
  });
});
