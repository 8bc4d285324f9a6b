import type { Leftovers } from '../backends/leftovers.ts';
import type { ReportEvent } from './events.ts';

/** Somebody else's tools are run for every look, so looks are rare while there is nothing to find. */
const quietIntervalMs = 5 * 60_000;

/** Removes what other agents, or this one under another backend, left in the kernel. */
export type RemoveLeftovers = (signal: AbortSignal) => Promise<Leftovers>;

/**
 * Removes leftovers once the agent's own rules are in place, and looks again from time to time: what comes back is
 * another agent's, at work now.
 */
export class LeftoverCleanup {
  readonly #remove: RemoveLeftovers;
  readonly #report: ReportEvent;
  #nextAt = Number.NEGATIVE_INFINITY;
  #removals = 0;

  constructor(remove: RemoveLeftovers, report: ReportEvent) {
    this.#remove = remove;
    this.#report = report;
  }

  /** Looks, if it is time. `now` is on the clock of monotonicMs(). Throws AgentError ABORTED only. */
  async runIfDue(now: number, stop: AbortSignal): Promise<void> {
    if (now < this.#nextAt) return;
    const { found, failures } = await this.#remove(stop);
    // After a removal the next time looks again, to learn whether it lasts.
    this.#nextAt = found.length > 0 ? now : now + quietIntervalMs;
    if (found.length + failures.length === 0) return;
    if (found.length > 0) this.#removals++;
    this.#report({ type: 'leftovers', removed: found, failures, removals: this.#removals });
  }
}
