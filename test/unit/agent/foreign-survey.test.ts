import { describe, expect, it } from 'vitest';
import type { AgentEvent } from '../../../src/agent/events.ts';
import { ForeignSurvey } from '../../../src/agent/foreign-survey.ts';
import { AgentError } from '../../../src/errors.ts';
import { policyKeeping } from '../../fakes/config.ts';

const minute = 60_000;
const never = new AbortController().signal;
const policy = policyKeeping('10.0.0.0/8');

function surveying(find = () => Promise.resolve({ found: [], failures: [], complete: true })) {
  const events: AgentEvent[] = [];
  const survey = new ForeignSurvey(find, (event) => events.push(event));
  /** Whether it looks at such a moment. */
  const looks = async (now: number, othersChangedAt: number | undefined, what = policy): Promise<boolean> => {
    const before = events.length;
    survey.startIfDue({ now, policy: what, othersChangedAt }, never);
    await survey.ended();
    return events.length > before;
  };
  return { survey, events, looks };
}

describe('ForeignSurvey', () => {
  it('looks after the start, and not again while nobody changes anything', async () => {
    const { looks } = surveying();
    const started = Number.NEGATIVE_INFINITY;
    expect(await looks(0, started)).toBe(true);
    expect(await looks(60 * minute, started)).toBe(false);
  });

  it('looks again ten minutes later at the soonest, once a change has settled', async () => {
    const { looks } = surveying();
    await looks(0, Number.NEGATIVE_INFINITY);
    expect(await looks(9 * minute, minute)).toBe(false);
    expect(await looks(11 * minute, 11 * minute - 5_000)).toBe(false);
    expect(await looks(11 * minute + 5_000, 11 * minute - 5_000)).toBe(true);
    expect(await looks(22 * minute, 11 * minute - 5_000)).toBe(false);
  });

  it('looks once an hour where nothing ever settles', async () => {
    const { looks } = surveying();
    await looks(0, Number.NEGATIVE_INFINITY);
    expect(await looks(59 * minute, 59 * minute)).toBe(false);
    expect(await looks(60 * minute, 60 * minute)).toBe(true);
  });

  it('looks again for another policy, and regularly where nobody can tell of changes', async () => {
    const { looks } = surveying();
    await looks(0, Number.NEGATIVE_INFINITY);
    expect(await looks(10 * minute, Number.NEGATIVE_INFINITY, policyKeeping('11.0.0.0/8'))).toBe(true);
    expect(await looks(20 * minute, undefined)).toBe(true);
    expect(await looks(29 * minute, undefined)).toBe(false);
    expect(await looks(30 * minute, undefined)).toBe(true);
  });

  it('survives a search that fails in a way nobody expected', async () => {
    const { looks, events } = surveying(() => Promise.reject(new TypeError('x is not a function')));
    expect(await looks(0, undefined)).toBe(true);
    expect(events).toMatchObject([{ found: { complete: false, failures: [{ code: 'INTERNAL' }] } }]);
  });

  it('says nothing when it is stopped', async () => {
    const { looks } = surveying(() => Promise.reject(new AgentError('ABORTED', 'stop')));
    expect(await looks(0, undefined)).toBe(false);
  });
});
