/** More repairs than this in a minute are a conflict with another program. */
const mostRepairs = 20;
const windowMs = 60_000;
const firstPauseMs = 5_000;

/** Notices when repairs do not last, and spaces them out: each pause is twice the one before, until a minute is quiet. */
export class RepairThrottle {
  #repairs: number[] = [];
  #pauses = 0;
  #pausedUntil = 0;

  /** Whether foreign changes are not answered just now. All times are on the clock of monotonicMs(). */
  isPaused(now: number): boolean {
    return now < this.#pausedUntil;
  }

  /** When the pause that lasts just now ends; undefined: there is none. */
  pauseEnd(now: number): number | undefined {
    return this.isPaused(now) ? this.#pausedUntil : undefined;
  }

  /** Counts a repair. Gives the pause that begins with it, in milliseconds and at most `longestMs`, if it is one too many. */
  add(now: number, longestMs: number): { readonly repairs: number; readonly pauseMs: number } | undefined {
    this.#repairs = [...this.#repairs.filter((time) => now - time < windowMs), now];
    if (this.#repairs.length === 1) this.#pauses = 0;
    if (this.#repairs.length <= mostRepairs) return undefined;
    const pauseMs = Math.min(firstPauseMs * 2 ** this.#pauses++, longestMs);
    this.#pausedUntil = now + pauseMs;
    return { repairs: this.#repairs.length, pauseMs };
  }
}
