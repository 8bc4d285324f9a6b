import { describe, expect, it } from 'vitest';
import { RepairThrottle } from '../../../src/agent/repair-throttle.ts';

const hour = 3_600_000;

describe('RepairThrottle', () => {
  it('lets 20 repairs a minute pass, and pauses at the 21st', () => {
    const limit = new RepairThrottle();
    for (let second = 0; second < 20; second++) expect(limit.add(second * 1_000, hour)).toBeUndefined();
    expect(limit.add(20_000, hour)).toEqual({ repairs: 21, pauseMs: 5_000 });
    expect(limit.isPaused(24_999)).toBe(true);
    expect(limit.isPaused(25_000)).toBe(false);
  });

  it('doubles the pause while the conflict goes on, up to the longest', () => {
    const limit = new RepairThrottle();
    const pauses = Array.from({ length: 24 }, () => limit.add(0, 12_000)?.pauseMs);
    expect(pauses.slice(20)).toEqual([5_000, 10_000, 12_000, 12_000]);
  });

  it('forgets after a quiet minute', () => {
    const limit = new RepairThrottle();
    for (let repair = 0; repair < 22; repair++) limit.add(0, hour);
    for (let repair = 0; repair < 20; repair++) expect(limit.add(60_000, hour)).toBeUndefined();
    expect(limit.add(60_000, hour)?.pauseMs).toBe(5_000);
  });

  it('never pauses for repairs that are rare', () => {
    const limit = new RepairThrottle();
    for (let repair = 0; repair < 100; repair++) expect(limit.add(repair * 3_001, hour)).toBeUndefined();
  });
});
