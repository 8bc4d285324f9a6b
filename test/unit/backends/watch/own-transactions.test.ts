import { describe, expect, it } from 'vitest';
import { OwnTransactions } from '../../../../src/backends/watch/own-transactions.ts';

const script = { input: 'add table inet x\n' };

describe('OwnTransactions', () => {
  it('knows a child that was given rules, until what it wrote was heard', async () => {
    const own = new OwnTransactions();
    const barrier = Promise.withResolvers<void>();
    own.settleBy(() => barrier.promise);
    expect(own.include(7, 1007)).toBe(false);
    own.started(7, script);
    expect(own.include(7, 1007)).toBe(true);
    own.ended(7);
    expect(own.include(7, 1007)).toBe(true);
    barrier.resolve();
    await barrier.promise;
    expect(own.include(7, 1007)).toBe(false);
  });

  it('forgets it also where nothing can be heard', async () => {
    const own = new OwnTransactions();
    own.settleBy(() => Promise.reject(new Error('lost')));
    own.started(7, script);
    own.ended(7);
    await expect.poll(() => own.include(7, 1007)).toBe(false);
  });

  it('does not trust a child that only lists', () => {
    const own = new OwnTransactions();
    own.started(7, {});
    expect(own.include(7, 1007)).toBe(false);
    own.ended(7);
  });

  it('notices that two processes have the same number', () => {
    const own = new OwnTransactions();
    own.started(7, script);
    expect(own.include(7, 5007)).toBe(true);
    expect(own.include(7, 1007)).toBe(false);
    expect(own.include(7, 5007)).toBe(false);
  });
});
