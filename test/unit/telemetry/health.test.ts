import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../src/errors.ts';
import { initialState } from '../../../src/telemetry/agent-state.ts';
import { liveness, readiness } from '../../../src/telemetry/health.ts';
import { policyKeeping, rejected } from '../../fakes/config.ts';

const now = { wallClock: 0, monotonic: 0 };
const fresh = initialState(now);
const applied = { ...fresh, policy: policyKeeping('10.0.0.0/8') };
const rejection = { reading: rejected('bad CIDR', 'bad duration'), at: now };
const minute = 60_000;

describe('liveness', () => {
  it('lets a pass take its time, but not for ever', () => {
    const loop = { doing: 'reconcile', since: 0 } as const;
    expect(liveness({ loop }, 5 * minute)).toMatchObject({ ok: true, reason: 'ok' });
    expect(liveness({ loop }, 5 * minute + 1)).toMatchObject({
      ok: false,
      reason: 'a reconcile has been running for 300 s',
    });
  });

  it('lets a wait last as long as it should, however long that is', () => {
    const loop = { doing: 'wait', until: 24 * 60 * minute } as const;
    expect(liveness({ loop }, 12 * 60 * minute).ok).toBe(true);
    expect(liveness({ loop }, loop.until + minute).ok).toBe(true);
    expect(liveness({ loop }, loop.until + 2 * minute)).toMatchObject({
      ok: false,
      reason: 'the next reconcile is overdue by 120 s',
    });
  });
});

describe('readiness', () => {
  it('waits for the first pass', () => {
    expect(readiness(fresh)).toMatchObject({ ok: false, reason: 'the first reconcile has not finished' });
    expect(readiness(applied)).toMatchObject({ ok: true, reason: 'ok' });
  });

  it('says why no config was ever accepted', () => {
    expect(readiness({ ...fresh, rejection })).toMatchObject({
      ok: false,
      reason: 'no config was accepted yet: ip-masq-agent:1:5: bad CIDR; ip-masq-agent:2:5: bad duration',
    });
  });

  it('stays while the last good config is in force', () => {
    expect(readiness({ ...applied, rejection }).ok).toBe(true);
  });

  it('goes while the kernel is not in sync', () => {
    const failure = { error: new AgentError('TOOL_TIMEOUT', 'nft hung'), count: 1, since: now };
    expect(readiness({ ...applied, failure })).toMatchObject({
      ok: false,
      reason: 'the kernel could not be brought to the policy: TOOL_TIMEOUT: nft hung',
    });
  });
});
