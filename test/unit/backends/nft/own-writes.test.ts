import { describe, expect, it, vi } from 'vitest';
import { OwnWrites } from '../../../../src/backends/nft/own-writes.ts';

describe('OwnWrites', () => {
  it('claims as many transactions as were written, and no more', () => {
    const own = new OwnWrites();
    own.begin();
    own.begin();
    expect([own.claim(), own.claim(), own.claim()]).toEqual([true, true, false]);
  });

  it('claims none for one that failed', () => {
    const own = new OwnWrites();
    own.begin();
    own.fail();
    expect(own.claim()).toBe(false);
  });

  it('owes nothing where one failed that had been heard of', () => {
    const own = new OwnWrites();
    own.begin();
    expect(own.claim()).toBe(true);
    own.fail();
    own.begin();
    expect(own.claim()).toBe(true);
  });

  it('claims none for a while after some may have been lost', () => {
    vi.useFakeTimers();
    const own = new OwnWrites();
    own.begin();
    own.pause(1_000);
    expect(own.claim()).toBe(false);
    own.begin();
    expect(own.claim()).toBe(false);
    vi.advanceTimersByTime(1_000);
    own.begin();
    expect(own.claim()).toBe(true);
    vi.useRealTimers();
  });

  it('forgets, and tells whether there was something to forget', () => {
    const own = new OwnWrites();
    expect(own.forget()).toBe(false);
    own.begin();
    expect(own.forget()).toBe(true);
    expect(own.claim()).toBe(false);
  });
});
