import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Answer } from '../../../src/names/name-state.ts';
import { NameWatch } from '../../../src/names/name-watch.ts';

const one = { family: 'ipv4', value: 1n, ttlSeconds: 30 } as const;
const two = { family: 'ipv4', value: 2n, ttlSeconds: 30 } as const;

describe('the watch of names', () => {
  let answers: Record<string, Answer>;
  let asked: string[];
  const onChange = vi.fn();
  let watch: NameWatch;

  beforeEach(() => {
    vi.useFakeTimers();
    answers = { 'a.example.com': { addresses: [one] }, 'b.example.com': { failure: 'down' } };
    asked = [];
    onChange.mockReset();
    watch = new NameWatch({
      ask: async (name) => {
        asked.push(name);
        return answers[name] ?? { addresses: [] };
      },
      families: ['ipv4'],
      onChange,
      now: () => Date.now(),
    });
  });
  afterEach(() => {
    watch.stop();
    vi.useRealTimers();
  });

  it('asks about each name at once, and tells of first answers', async () => {
    watch.follow(['a.example.com', 'b.example.com', 'c.example.com'], 60_000);
    expect(watch.awaited()).toEqual(['a.example.com', 'b.example.com', 'c.example.com']);
    await vi.advanceTimersByTimeAsync(0);
    expect(asked).toEqual(['a.example.com', 'b.example.com', 'c.example.com']);
    expect(onChange).toHaveBeenCalledTimes(3);
    expect(watch.awaited()).toEqual(['b.example.com']);
    expect(watch.answers()).toEqual([
      { name: 'a.example.com', addresses: [{ family: 'ipv4', value: 1n }], isAnswered: true, failure: undefined },
      { name: 'b.example.com', addresses: [], isAnswered: false, failure: 'down' },
      { name: 'c.example.com', addresses: [], isAnswered: true, failure: undefined },
    ]);
  });

  it('asks again by TTL, and tells of changes only', async () => {
    watch.follow(['a.example.com'], 60_000);
    await vi.advanceTimersByTimeAsync(0);
    onChange.mockReset();
    await vi.advanceTimersByTimeAsync(30_000);
    expect(asked).toHaveLength(2);
    expect(onChange).not.toHaveBeenCalled();
    answers['a.example.com'] = { addresses: [two] };
    await vi.advanceTimersByTimeAsync(30_000);
    expect(onChange).toHaveBeenCalledTimes(1);
  });

  it('keeps what it knows of names that stay, and asks no more about those that go', async () => {
    watch.follow(['a.example.com', 'b.example.com'], 60_000);
    await vi.advanceTimersByTimeAsync(0);
    watch.follow(['a.example.com'], 60_000);
    expect(watch.answers()).toHaveLength(1);
    asked.length = 0;
    await vi.advanceTimersByTimeAsync(20_000);
    expect(asked).toEqual([]);
  });

  it('lets nobody wait for longer than ten minutes after the start', async () => {
    watch.follow(['b.example.com'], 60_000);
    await vi.advanceTimersByTimeAsync(600_000 - 1);
    expect(watch.awaited()).toEqual(['b.example.com']);
    await vi.advanceTimersByTimeAsync(1);
    expect(watch.awaited()).toEqual([]);
  });

  it('tells that nobody need wait any more, though nothing was answered', async () => {
    watch.follow(['b.example.com'], 60_000);
    await vi.advanceTimersByTimeAsync(600_000 - 1);
    onChange.mockReset();
    await vi.advanceTimersByTimeAsync(1);
    expect(onChange).toHaveBeenCalledTimes(1);
  });

  it('tells the same object until something changes', async () => {
    watch.follow(['a.example.com'], 60_000);
    await vi.advanceTimersByTimeAsync(0);
    const told = watch.answers();
    watch.follow(['a.example.com'], 30_000);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(watch.answers()).toBe(told);
    answers['a.example.com'] = { failure: 'down' };
    await vi.advanceTimersByTimeAsync(30_000);
    expect(watch.answers()).toEqual([{ ...told[0], failure: 'down' }]);
  });

  it('asks about thousands of names a few at a time', async () => {
    let [open, most] = [0, 0];
    const many = new NameWatch({
      ask: async () => {
        most = Math.max(most, ++open);
        await new Promise((resolve) => setTimeout(resolve, 10));
        open--;
        return { addresses: [one] };
      },
      families: ['ipv4'],
      onChange,
      now: () => Date.now(),
    });
    many.follow(
      Array.from({ length: 1000 }, (_, index) => `n${index}.example.com`),
      60_000,
    );
    await vi.advanceTimersByTimeAsync(1_000);
    expect(many.awaited()).toEqual([]);
    expect(most).toBe(32);
    many.stop();
  });

  it('does nothing once it is stopped', async () => {
    watch.follow(['a.example.com'], 60_000);
    watch.stop();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(onChange).not.toHaveBeenCalled();
  });
});
