import type { Family } from '../net/family.ts';

/** One address that a name had in an answer. */
export interface NamedAddress {
  readonly family: Family;
  readonly value: bigint;
}

/** What DNS said of one name: its addresses with the seconds for which they hold, or why nothing can be said. */
export type Answer =
  | { readonly addresses: readonly (NamedAddress & { readonly ttlSeconds: number })[] }
  | { readonly failure: string };

/** What is known of one name. All times are milliseconds on one clock that never jumps. */
export interface NameState {
  /** Each address with the time of the first answer that had it no more; undefined for those of the last answer. */
  readonly addresses: readonly (NamedAddress & { readonly leftAt: number | undefined })[];
  /** Whether DNS has answered at all since the start; that there is no such name is an answer. */
  readonly isAnswered: boolean;
  /** Why the last question was not answered; undefined where it was. */
  readonly failure: string | undefined;
  /** Questions that were not answered in a row. */
  readonly failures: number;
  /** When to ask again. */
  readonly askAt: number;
}

/** Answers rotate: an address that left an answer stays in force for so long. */
export const keptAfterAnswerMs = 10 * 60_000;
/** However short a TTL is, DNS is not asked more often. */
export const shortestIntervalMs = 5_000;
/** More than any service has at a time: a server that makes addresses up must not make the policy grow without end. */
export const mostAddresses = 1_024;
/** The longest wait after questions that were not answered, unless the resync interval is shorter. */
const longestRetryMs = 60_000;

/** A name that was never asked about. */
export const unknownName: NameState = {
  addresses: [],
  isAnswered: false,
  failure: undefined,
  failures: 0,
  askAt: Number.NEGATIVE_INFINITY,
};

/**
 * What is known after an answer. The next question is due when the first address expires, or has been gone for long enough,
 * at the latest after `longestIntervalMs`, the resync interval; a failure keeps all addresses and is tried again with growing pauses. Pure.
 */
export function afterAnswer(state: NameState, answer: Answer, now: number, longestIntervalMs: number): NameState {
  if ('failure' in answer) {
    const pause = Math.min(shortestIntervalMs * 2 ** Math.min(state.failures, 20), longestRetryMs);
    const { failures } = state;
    return { ...state, failure: answer.failure, failures: failures + 1, askAt: now + within(pause, longestIntervalMs) };
  }
  const seen = new Map(answer.addresses.map(({ family, value }) => [keyOf({ family, value }), { family, value }]));
  const current = [...seen.values()].map((address) => ({ ...address, leftAt: undefined }));
  const kept = state.addresses
    .filter((address) => !seen.has(keyOf(address)))
    .map((address) => ({ ...address, leftAt: address.leftAt ?? now }))
    .filter(({ leftAt }) => now - leftAt < keptAfterAnswerMs)
    .toSorted((one, other) => other.leftAt - one.leftAt);
  const untilGoneMs = Math.min(...kept.map(({ leftAt }) => leftAt + keptAfterAnswerMs - now));
  const ttlMs = Math.min(...answer.addresses.map(({ ttlSeconds }) => ttlSeconds * 1000));
  return {
    addresses: [...current, ...kept].slice(0, mostAddresses).sort(byValue),
    isAnswered: true,
    failure: undefined,
    failures: 0,
    askAt: now + within(Math.min(ttlMs, untilGoneMs), longestIntervalMs),
  };
}

function within(intervalMs: number, longestMs: number): number {
  return Math.max(shortestIntervalMs, Math.min(intervalMs, longestMs));
}

function keyOf({ family, value }: NamedAddress): string {
  return `${family} ${value}`;
}

/** The same addresses always stand in the same order, so that the same answer makes the same policy. */
function byValue(one: NamedAddress, other: NamedAddress): number {
  if (one.family !== other.family) return one.family === 'ipv4' ? -1 : 1;
  return one.value < other.value ? -1 : Number(one.value > other.value);
}
