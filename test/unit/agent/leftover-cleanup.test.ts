import { describe, expect, it } from 'vitest';
import type { AgentEvent } from '../../../src/agent/events.ts';
import { LeftoverCleanup } from '../../../src/agent/leftover-cleanup.ts';
import { AgentError } from '../../../src/errors.ts';

const minute = 60_000;
const never = new AbortController().signal;

function cleanupOver(places: string[][], failure?: AgentError) {
  const events: AgentEvent[] = [];
  const looks = { count: 0 };
  const remove = () => {
    looks.count++;
    return Promise.resolve({ found: places.shift() ?? [], failures: failure ? [failure] : [] });
  };
  return { cleanup: new LeftoverCleanup(remove, (event) => events.push(event)), events, looks };
}

describe('LeftoverCleanup', () => {
  it('looks at once, then rarely while there is nothing', async () => {
    const { cleanup, looks, events } = cleanupOver([]);
    for (const now of [0, minute, 4 * minute, 5 * minute, 6 * minute]) await cleanup.runIfDue(now, never);
    expect(looks.count).toBe(2);
    expect(events).toEqual([]);
  });

  it('looks again the next time after a removal, and counts removals', async () => {
    const { cleanup, looks, events } = cleanupOver([['chain A'], ['chain A'], []]);
    for (const now of [0, minute, 2 * minute, 3 * minute]) await cleanup.runIfDue(now, never);
    expect(looks.count).toBe(3);
    expect(events).toMatchObject([
      { type: 'leftovers', removed: ['chain A'], removals: 1 },
      { type: 'leftovers', removed: ['chain A'], removals: 2 },
    ]);
  });

  it('tells what it could not look at', async () => {
    const { cleanup, events } = cleanupOver([], new AgentError('XTABLES_LOCK', 'held'));
    await cleanup.runIfDue(0, never);
    expect(events).toMatchObject([{ removed: [], failures: [{ code: 'XTABLES_LOCK' }], removals: 0 }]);
  });
});
