import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffDelayMs, schedule } from '../../../src/agent/schedule.ts';

describe('schedule', () => {
  it.each(['applied', 'in-sync', 'no-policy'] as const)('resyncs after %s', (type) => {
    expect(schedule({ type }, 60_000)).toEqual({ inMs: 60_000, trigger: 'resync' });
  });

  it('leaves a resync where it is over events that change nothing', () => {
    expect(schedule({ type: 'unchanged' }, 60_000)).toBeUndefined();
  });

  it('retries a failure before the resync, and never later', () => {
    for (const failures of [1, 2, 50]) {
      const next = schedule({ type: 'failed', failures }, 60_000);
      expect(next.trigger).toBe('retry');
      expect(next.inMs).toBeLessThanOrEqual(60_000);
    }
  });
});

describe('backoffDelayMs', () => {
  it('doubles up to the cap', () => {
    const delays = [1, 2, 3, 4, 5].map((failures) => backoffDelayMs(failures, 2_000, () => 0));
    expect(delays).toEqual([250, 500, 1000, 2000, 2000]);
  });

  it('takes off at most half', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e6 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (failures, random) => {
          const full = backoffDelayMs(failures, 60_000, () => 0);
          const delay = backoffDelayMs(failures, 60_000, () => random);
          expect(delay).toBeLessThanOrEqual(full);
          expect(delay).toBeGreaterThanOrEqual(full / 2);
          expect(full).toBeLessThanOrEqual(60_000);
        },
      ),
    );
  });
});
