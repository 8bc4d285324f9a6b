import { monotonicMs } from '../../clock.ts';

/**
 * Tells the transactions that the agent writes from those of others, where the monitor hears of both. Inside a container
 * the kernel's process numbers do not tell them apart, but their number does: the monitor hears of each transaction
 * once, in the order of their commits. Where somebody else's comes in between, it is taken for ours, and ours, one
 * later, for somebody else's: the look that follows is the same.
 */
export class OwnWrites {
  /** Until then nothing is awaited. */
  #pausedUntil = Number.NEGATIVE_INFINITY;
  /** Transactions that were written and not yet heard of. */
  #awaited = 0;

  /** A transaction that changes rules or chains, and so will be heard of, is about to be written. */
  begin(): void {
    if (monotonicMs() >= this.#pausedUntil) this.#awaited++;
  }

  /** It was not written after all. */
  fail(): void {
    if (this.#awaited > 0) this.#awaited--;
  }

  /** Whether the transaction that was just heard of is one of ours. */
  claim(): boolean {
    if (this.#awaited === 0) return false;
    this.#awaited--;
    return true;
  }

  /** Awaits nothing any more, as when the monitor starts anew. Gives whether anything was awaited. */
  forget(): boolean {
    const wasAwaiting = this.#awaited > 0;
    this.#awaited = 0;
    return wasAwaiting;
  }

  /** Some transactions may never be heard of: for so many ms, all that are heard of are taken for others'. */
  pause(forMs: number): void {
    this.forget();
    this.#pausedUntil = monotonicMs() + forMs;
  }
}
