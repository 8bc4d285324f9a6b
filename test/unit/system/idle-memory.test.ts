import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createIdleMemory } from '../../../src/system/idle-memory.ts';

describe('createIdleMemory', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('collects once, when work is over for a while', () => {
    const collect = vi.fn();
    const memory = createIdleMemory(collect);
    for (let time = 0; time < 10; time++) {
      memory.worked();
      vi.advanceTimersByTime(1_000);
    }
    expect(collect).not.toHaveBeenCalled();
    vi.advanceTimersByTime(10_000);
    expect(collect).toHaveBeenCalledOnce();
  });

  it('does without where Node gives no access to its collector', () => {
    createIdleMemory(undefined).worked();
    expect(vi.getTimerCount()).toBe(0);
  });
});
