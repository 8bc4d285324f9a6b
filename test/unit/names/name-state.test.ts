import { describe, expect, it } from 'vitest';
import {
  type Answer,
  afterAnswer,
  keptAfterAnswerMs,
  mostAddresses,
  shortestIntervalMs,
  unknownName,
} from '../../../src/names/name-state.ts';

const address = (value: bigint, ttlSeconds = 60) => ({ family: 'ipv4' as const, value, ttlSeconds });
const answer = (...addresses: ReturnType<typeof address>[]): Answer => ({ addresses });
const resyncMs = 60_000;
const stateAfter = (answers: readonly (readonly [at: number, answer: Answer])[]) =>
  answers.reduce((state, [at, each]) => afterAnswer(state, each, at, resyncMs), unknownName);
const values = (state: ReturnType<typeof stateAfter>) => state.addresses.map(({ value }) => Number(value));

describe('what is known of a name', () => {
  it('is nothing before it was asked about', () => {
    expect(unknownName).toMatchObject({ isAnswered: false, addresses: [] });
  });

  it('is asked about anew when the first address expires, not more often than every 5 s, once a resync', () => {
    expect(stateAfter([[0, answer(address(1n, 20), address(2n, 30))]]).askAt).toBe(20_000);
    expect(stateAfter([[0, answer(address(1n, 0))]]).askAt).toBe(shortestIntervalMs);
    expect(stateAfter([[0, answer(address(1n, 3_600))]]).askAt).toBe(resyncMs);
    expect(stateAfter([[0, answer()]]).askAt, 'no such name').toBe(resyncMs);
  });

  it('keeps an address that left the answers for 10 minutes', () => {
    const rotated = [
      [0, answer(address(1n))],
      [60_000, answer(address(2n))],
    ] as const;
    expect(values(stateAfter(rotated))).toEqual([1, 2]);
    const leftAt = 60_000;
    const later = (ms: number) => stateAfter([...rotated, [leftAt + ms, answer(address(2n))]]);
    expect(values(later(keptAfterAnswerMs - 1))).toEqual([1, 2]);
    expect(values(later(keptAfterAnswerMs))).toEqual([2]);
  });

  it('keeps it for as long where answers hold for an hour, and asks again when that is over', () => {
    const hour = 3_600_000;
    const first = afterAnswer(unknownName, answer(address(1n, 3_600)), 0, hour);
    const second = afterAnswer(first, answer(address(2n, 3_600)), hour, hour);
    expect(values(second)).toEqual([1, 2]);
    expect(second.askAt).toBe(hour + keptAfterAnswerMs);
    expect(values(afterAnswer(second, answer(address(2n, 3_600)), second.askAt, hour))).toEqual([2]);
  });

  it('does not keep more addresses than a name can have, the latest first', () => {
    const rounds = Array.from({ length: 10 }, (_, round) => {
      const addresses = Array.from({ length: 500 }, (__, index) => address(BigInt(1_000 * round + index)));
      return [round * 10_000, answer(...addresses)] as const;
    });
    const known = values(stateAfter(rounds));
    expect(known).toHaveLength(mostAddresses);
    expect(known.filter((value) => value >= 8_000)).toHaveLength(1_000);
  });

  it('keeps the last good addresses however long DNS fails, and asks with growing pauses', () => {
    const failure: Answer = { failure: 'queryA ETIMEOUT api.example.com' };
    const failing = stateAfter([
      [0, answer(address(1n))],
      [10, failure],
      [20, failure],
      [30, failure],
    ]);
    expect(failing).toMatchObject({ isAnswered: true, failure: failure.failure, failures: 3, askAt: 30 + 20_000 });
    expect(values(failing)).toEqual([1]);
    const muchLater = afterAnswer(failing, failure, 10 * keptAfterAnswerMs, resyncMs);
    expect(values(muchLater)).toEqual([1]);
    expect(afterAnswer(muchLater, answer(address(2n)), 10 * keptAfterAnswerMs + 1, resyncMs)).toMatchObject({
      failure: undefined,
      failures: 0,
    });
  });

  it('is not answered by a failure, but by NXDOMAIN', () => {
    expect(stateAfter([[0, { failure: 'queryA ESERVFAIL' }]]).isAnswered).toBe(false);
    expect(stateAfter([[0, answer()]])).toMatchObject({ isAnswered: true, addresses: [] });
  });

  it('is the same for the same addresses in another order', () => {
    const one = stateAfter([[0, answer(address(1n), address(2n), address(2n))]]);
    expect(stateAfter([[0, answer(address(2n), address(1n))]]).addresses).toEqual(one.addresses);
  });
});
