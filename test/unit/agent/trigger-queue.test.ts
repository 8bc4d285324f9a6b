import { describe, expect, it } from 'vitest';
import { TriggerQueue } from '../../../src/agent/trigger-queue.ts';

const never = new AbortController().signal;
const hour = 3_600_000;

describe('TriggerQueue', () => {
  it('makes one trigger of many, and does not let file events hide another', async () => {
    const queue = new TriggerQueue();
    queue.add('config-change');
    queue.add('signal');
    queue.add('foreign-change');
    queue.add('config-change');
    expect(await queue.next(hour, 'resync', never)).toBe('signal');
    expect(await queue.next(1, 'resync', never)).toBe('resync');
  });

  it('does not let events of addresses hide another either', async () => {
    const queue = new TriggerQueue();
    queue.add('address-change');
    queue.add('foreign-change');
    queue.add('address-change');
    expect(await queue.next(hour, 'resync', never)).toBe('foreign-change');
  });

  it('wakes a waiting loop', async () => {
    const queue = new TriggerQueue();
    const next = queue.next(hour, 'resync', never);
    queue.add('signal');
    expect(await next).toBe('signal');
  });

  it('says what the end of the wait is', async () => {
    expect(await new TriggerQueue().next(1, 'retry', never)).toBe('retry');
  });

  it('ends at once when it is stopped, before or while waiting, whatever is pending', async () => {
    const stop = new AbortController();
    const queue = new TriggerQueue();
    const next = queue.next(hour, 'resync', stop.signal);
    stop.abort();
    expect(await next).toBeUndefined();
    queue.add('signal');
    expect(await queue.next(hour, 'resync', stop.signal)).toBeUndefined();
  });

  it('waits where the period is longer than a timer can be', async () => {
    const stop = new AbortController();
    const next = new TriggerQueue().next(1e15, 'resync', stop.signal);
    const first = await Promise.race([next, new Promise((resolve) => setTimeout(resolve, 20, 'still waiting'))]);
    stop.abort();
    expect(first).toBe('still waiting');
  });
});
