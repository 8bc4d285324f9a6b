import { isDeepStrictEqual } from 'node:util';
import { monotonicMs } from '../clock.ts';
import type { Family } from '../net/family.ts';
import type { AskDns } from './ask.ts';
import { afterAnswer, type NamedAddress, type NameState, unknownName } from './name-state.ts';

/** The longest wait of the kernel's rules for the first answers. */
const longestStartMs = 10 * 60_000;
/** The longest delay that a Node timer keeps. */
const longestTimerMs = 2 ** 31 - 1;
/** Each question holds two sockets: a list of thousands of names must not take all that a process may have. */
const mostQuestions = 32;

export interface NameWatchOptions {
  readonly ask: AskDns;
  readonly families: readonly Family[];
  /** The addresses of a name have changed, it is answered or fails now other than before, or nobody need wait any more. */
  readonly onChange: () => void;
  readonly now?: () => number;
}

/** What one name stands for just now. */
export interface NameAnswer {
  readonly name: string;
  readonly addresses: readonly NamedAddress[];
  /** Whether DNS has answered since the start. */
  readonly isAnswered: boolean;
  /** Why DNS gives no answer just now. */
  readonly failure: string | undefined;
}

/** Keeps the addresses of the names in a config up to date, each by the TTL of its answers. */
export class NameWatch {
  readonly #options: NameWatchOptions;
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #states = new Map<string, NameState>();
  readonly #asking = new Set<string>();
  /** Undefined when something has changed since they were last told. */
  #answers: readonly NameAnswer[] | undefined = [];
  #longestIntervalMs = 60_000;
  #timer: NodeJS.Timeout | undefined;
  /** Ends the wait for first answers. */
  #patience: NodeJS.Timeout | undefined;
  readonly #stopped = new AbortController();

  constructor(options: NameWatchOptions) {
    this.#options = options;
    this.#now = options.now ?? monotonicMs;
    this.#startedAt = this.#now();
  }

  /** From now on these names count and no others; each is asked about at least once in `longestIntervalMs`. */
  follow(names: readonly string[], longestIntervalMs: number): void {
    this.#longestIntervalMs = longestIntervalMs;
    const wanted = new Set(names);
    const [known, fresh] = [[...this.#states.keys()], [...wanted].filter((name) => !this.#states.has(name))];
    for (const name of known) if (!wanted.has(name)) this.#states.delete(name);
    for (const name of fresh) this.#states.set(name, unknownName);
    if (fresh.length > 0 || this.#states.size < known.length) this.#answers = undefined;
    const patienceMs = this.#startedAt + longestStartMs - this.#now();
    if (fresh.length > 0 && patienceMs > 0) this.#patience ??= setTimeout(this.#options.onChange, patienceMs).unref();
    this.#schedule();
  }

  /** What is known of every name that is followed: the same object until something changes. */
  answers(): readonly NameAnswer[] {
    this.#answers ??= [...this.#states].map(([name, { addresses, isAnswered, failure }]) => ({
      name,
      addresses: addresses.map(({ family, value }) => ({ family, value })),
      isAnswered,
      failure,
    }));
    return this.#answers;
  }

  /** The names that the first rules should still wait for: none once ten minutes have passed since the start. */
  awaited(): readonly string[] {
    if (this.#now() - this.#startedAt >= longestStartMs) return [];
    return this.answers().flatMap(({ name, isAnswered }) => (isAnswered ? [] : [name]));
  }

  /** Asks no more. */
  stop(): void {
    this.#stopped.abort();
    clearTimeout(this.#timer);
    clearTimeout(this.#patience);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    const idle = [...this.#states].filter(([name]) => !this.#asking.has(name));
    if (this.#stopped.signal.aborted || idle.length === 0 || this.#asking.size >= mostQuestions) return;
    const next = idle.reduce((soonest, [, { askAt }]) => Math.min(soonest, askAt), Number.POSITIVE_INFINITY);
    const delayMs = Math.min(Math.max(0, next - this.#now()), longestTimerMs);
    this.#timer = setTimeout(() => this.#askDue(), delayMs).unref();
  }

  #askDue(): void {
    const now = this.#now();
    for (const [name, { askAt }] of this.#states) {
      if (this.#asking.size >= mostQuestions) break;
      if (askAt <= now && !this.#asking.has(name)) void this.#ask(name);
    }
    this.#schedule();
  }

  async #ask(name: string): Promise<void> {
    this.#asking.add(name);
    const answer = await this.#options.ask(name, this.#options.families);
    this.#asking.delete(name);
    const before = this.#states.get(name);
    if (before !== undefined && !this.#stopped.signal.aborted) {
      const after = afterAnswer(before, answer, this.#now(), this.#longestIntervalMs);
      this.#states.set(name, after);
      if (isNews(before, after)) {
        this.#answers = undefined;
        this.#options.onChange();
      }
    }
    this.#schedule();
  }
}

/** A failure that persists is no news; it is told with the addresses that it keeps. */
function isNews(before: NameState, after: NameState): boolean {
  const facts = ({ addresses, isAnswered, failure }: NameState) => [
    addresses.map(({ family, value }) => [family, value]),
    isAnswered,
    failure === undefined,
  ];
  return !isDeepStrictEqual(facts(before), facts(after));
}
