import { describe, expect, it } from 'vitest';
import { LogThrottle } from '../../../src/telemetry/log-throttle.ts';

describe('LogThrottle', () => {
  it('lets through the 1st, 2nd, 4th, 8th … time', () => {
    const throttle = new LogThrottle();
    const told = Array.from({ length: 20 }, () => throttle.add('the same', 0)).filter(({ isNews }) => isNews);
    expect(told.map(({ times }) => times)).toEqual([1, 2, 4, 8, 16]);
  });

  it('lets through the first few, too, where it should', () => {
    const throttle = new LogThrottle(5);
    const told = Array.from({ length: 20 }, () => throttle.add('the same', 0)).filter(({ isNews }) => isNews);
    expect(told.map(({ times }) => times)).toEqual([1, 2, 3, 4, 5, 8, 16]);
  });

  it('begins anew with another text, and after an hour of silence', () => {
    const throttle = new LogThrottle();
    const hour = 3_600_000;
    const additions: readonly (readonly [string, number])[] = [
      ['a', 0],
      ['a', hour],
      ['b', hour],
      ['a', hour],
      ['a', 2 * hour + 1],
    ];
    expect(additions.map(([text, at]) => throttle.add(text, at).times)).toEqual([1, 2, 1, 1, 1]);
  });
});
