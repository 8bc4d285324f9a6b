import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { collectGarbage, createIdleMemory } from '../../../src/system/idle-memory.ts';

describe('createIdleMemory', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => vi.useRealTimers());

  it('collects once, when work is over for a while', () => {
    const collect = vi.fn();
    const memory = createIdleMemory(() => collect);
    for (let time = 0; time < 10; time++) {
      memory.worked();
      vi.advanceTimersByTime(1_000);
    }
    expect(collect).not.toHaveBeenCalled();
    vi.advanceTimersByTime(10_000);
    expect(collect).toHaveBeenCalledOnce();
  });

  it('collects for real, without an option on the command line', async () => {
    const garbage = new WeakRef({});
    createIdleMemory().worked();
    // A weak reference holds its object until the work at hand is done.
    await new Promise(setImmediate);
    vi.advanceTimersByTime(10_000);
    expect(garbage.deref()).toBeUndefined();
  });
});

describe('collectGarbage', () => {
  it('frees what nobody refers to any more', async () => {
    const reference = new WeakRef({ text: 'unused' });
    // Within the turn that made it, a WeakRef holds its target.
    await new Promise(setImmediate);
    collectGarbage();
    expect(reference.deref()).toBeUndefined();
  });
});
