import { monotonicMs } from '../clock.ts';

/** What comes back less often than this is let through every time, in milliseconds. */
const forgottenAfterMs = 60 * 60_000;

/**
 * Counts how often one line repeats itself, and lets through the 1st, 2nd, 4th, 8th … time: trouble that persists must
 * neither drown the log nor fall silent.
 */
export class LogThrottle {
  readonly #alwaysThrough: number;
  #text: string | undefined;
  #times = 0;
  #lastAt = 0;

  /** The first few times, one by default, are let through whatever follows. */
  constructor(alwaysThrough = 1) {
    this.#alwaysThrough = alwaysThrough;
  }

  /** Counts one time. `times` is how often the same came in a row by now; another text begins anew. */
  add(text: string, now: number = monotonicMs()): { readonly isNews: boolean; readonly times: number } {
    if (text !== this.#text || now - this.#lastAt > forgottenAfterMs) this.#times = 0;
    this.#text = text;
    this.#lastAt = now;
    this.#times++;
    const isNews = this.#times <= this.#alwaysThrough || Number.isInteger(Math.log2(this.#times));
    return { isNews, times: this.#times };
  }
}
