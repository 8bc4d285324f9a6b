import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type AgentState, initialState } from '../../../src/telemetry/agent-state.ts';
import { startHeartbeat } from '../../../src/telemetry/heartbeat.ts';
import { policyKeeping, rejected } from '../../fakes/config.ts';
import { fakeLog } from '../../fakes/log.ts';

const dayMs = 24 * 60 * 60_000;
const now = { wallClock: Date.UTC(2026, 0, 2), monotonic: 0 };
const rejection = { reading: rejected('bad CIDR'), at: now };
const inSync: AgentState = {
  ...initialState(now),
  agent: { version: '1', backend: 'nft', reason: 'asked for', configPath: '/etc/config' },
  policy: policyKeeping('10.0.0.0/8'),
  lastSyncAt: now,
};

describe('the heartbeat', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('logs one line a day, until it is stopped', () => {
    const log = fakeLog();
    const stop = startHeartbeat(log, () => inSync);
    vi.advanceTimersByTime(dayMs - 1);
    expect(log.lines).toEqual([]);
    vi.advanceTimersByTime(1);
    const line = {
      text: 'info heartbeat: in sync',
      fields: {
        backend: 'nft',
        entries: 'nonMasqueradeCIDRs:1',
        lastSync: '2026-01-02T00:00:00.000Z',
        driftRepairs: 0,
      },
    };
    expect(log.lines).toEqual([line]);
    vi.advanceTimersByTime(2 * dayMs);
    expect(log.lines).toHaveLength(3);
    stop();
    vi.advanceTimersByTime(2 * dayMs);
    expect(log.lines).toHaveLength(3);
  });

  it.each([
    [
      'a config that is still rejected',
      { ...inSync, rejection },
      'warn heartbeat: in sync, but the config is rejected: ip-masq-agent:1:5: bad CIDR',
    ],
    [
      'an agent that never had a config',
      { ...initialState(now), rejection },
      'warn heartbeat: not ready, no config was accepted yet: ip-masq-agent:1:5: bad CIDR',
    ],
  ])('warns of %s', (_, status, expected) => {
    const log = fakeLog();
    startHeartbeat(log, () => status);
    vi.advanceTimersByTime(dayMs);
    expect(log.visible()).toEqual([expected]);
  });
});
