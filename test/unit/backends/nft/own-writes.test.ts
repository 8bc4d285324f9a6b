import { describe, expect, it } from 'vitest';
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

  it('forgets, and tells whether there was something to forget', () => {
    const own = new OwnWrites();
    expect(own.forget()).toBe(false);
    own.begin();
    expect(own.forget()).toBe(true);
    expect(own.claim()).toBe(false);
  });
});
