import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AgentEvent } from '../../../src/agent/events.ts';
import { AgentError } from '../../../src/errors.ts';
import type { ServiceManager } from '../../../src/system/systemd-notify.ts';
import { type AgentState, initialState } from '../../../src/telemetry/agent-state.ts';
import { startSdNotifier } from '../../../src/telemetry/sd-notifier.ts';
import { policyKeeping, rejected } from '../../fakes/config.ts';

const now = { wallClock: 0, monotonic: 0 };
const policy = policyKeeping('10.0.0.0/8');
const inSync: AgentState = {
  ...initialState(now),
  agent: { version: '1', backend: 'nft', reason: 'asked for', configPath: '/etc/config' },
  policy,
  loop: { doing: 'wait', until: Number.POSITIVE_INFINITY },
};
const inSyncEvent: AgentEvent = { type: 'in-sync', trigger: 'resync', policy, verifiedBy: 'read', durationMs: 1 };
const passBegan: AgentEvent = { type: 'reconciling' };
const waiting: AgentEvent = { type: 'waiting', forMs: 60_000 };
const ready = 'READY=1 STATUS=nft: in sync, nonMasqueradeCIDRs:1';

function fakeManager(watchdogMs?: number): ServiceManager & { readonly told: string[] } {
  const told: string[] = [];
  return {
    watchdogMs,
    told,
    notify: (...assignments) => void told.push(assignments.join(' ')),
    close: (...assignments) => Promise.resolve(void told.push(`${assignments.join(' ')} (last)`)),
  };
}

describe('the notifier of systemd', () => {
  it('is ready once, when the rules are in place for the first time', () => {
    const manager = fakeManager();
    const { observe } = startSdNotifier(manager, () => inSync);
    observe(passBegan);
    observe({
      type: 'failed',
      failures: 1,
      trigger: 'start',
      error: new AgentError('XTABLES_LOCK', 'busy'),
      retryInMs: 1,
    });
    observe(waiting);
    expect(manager.told).toEqual([]);
    observe({
      type: 'applied',
      cause: 'first',
      trigger: 'retry',
      policy,
      previous: undefined,
      differences: [],
      durationMs: 1,
    });
    observe(inSyncEvent);
    expect(manager.told).toEqual([ready]);
  });

  it('is ready while the rules found in the kernel stay until DNS answers: nobody need wait for others', () => {
    const manager = fakeManager();
    const awaitedNames = ['a.example.com'];
    const { observe } = startSdNotifier(manager, () => ({ ...inSync, policy: undefined, awaitedNames }));
    observe({ type: 'names-awaited', names: awaitedNames });
    expect(manager.told).toEqual([expect.stringMatching(/^READY=1 STATUS=nft: not ready: .*until DNS answers/)]);
  });

  it('is reloading from the signal until the pass for it has ended', () => {
    const manager = fakeManager();
    const { observe, reloading } = startSdNotifier(manager, () => inSync);
    observe(passBegan);
    observe(inSyncEvent);
    reloading();
    observe(waiting);
    expect(manager.told.slice(1)).toEqual([expect.stringMatching(/^RELOADING=1 MONOTONIC_USEC=\d+$/)]);
    observe(passBegan);
    observe(waiting);
    observe(passBegan);
    observe(waiting);
    expect(manager.told.slice(2)).toEqual([ready]);
  });

  it('is not reloading before it was ready', () => {
    const manager = fakeManager();
    startSdNotifier(manager, () => inSync).reloading();
    expect(manager.told).toEqual([]);
  });

  it('is stopping at the end', async () => {
    const manager = fakeManager();
    await startSdNotifier(manager, () => inSync).stop();
    expect(manager.told).toEqual(['STOPPING=1 (last)']);
  });

  describe('with a watchdog', () => {
    beforeEach(() => {
      vi.useFakeTimers();
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    it.each([
      ['in sync', inSync, 'nft: in sync, nonMasqueradeCIDRs:1'],
      [
        'with a bad config',
        { ...inSync, rejection: { reading: rejected('bad CIDR'), at: now } },
        'nft: in sync, nonMasqueradeCIDRs:1; the config on disk is rejected',
      ],
      [
        'with a kernel that refuses',
        { ...inSync, failure: { error: new AgentError('TOOL_FAILED', 'two\nlines'), count: 1, since: now } },
        'nft: not ready: the kernel could not be brought to the policy: TOOL_FAILED: two lines',
      ],
    ] as const)('gives signs of life and what it has come to, %s', async (_, status, text) => {
      const manager = fakeManager(1_000);
      const { stop } = startSdNotifier(manager, () => status);
      vi.advanceTimersByTime(2_000);
      expect(manager.told).toEqual([`WATCHDOG=1 STATUS=${text}`, `WATCHDOG=1 STATUS=${text}`]);
      await stop();
      vi.advanceTimersByTime(2_000);
      expect(manager.told).toHaveLength(3);
    });

    it('gives none while the loop hangs', () => {
      const manager = fakeManager(1_000);
      const hung: AgentState = { ...inSync, loop: { doing: 'reconcile', since: Number.NEGATIVE_INFINITY } };
      startSdNotifier(manager, () => hung);
      vi.advanceTimersByTime(5_000);
      expect(manager.told).toEqual([]);
    });
  });
});
