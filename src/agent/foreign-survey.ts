import type { ForeignRules } from '../backends/foreign/foreign-masquerade.ts';
import { AgentError, asAgentError } from '../errors.ts';
import type { Policy } from '../policy/policy.ts';
import type { ReportEvent } from './events.ts';

/** Never more often: other programs' rules are many, and reading them is dear. */
const shortestIntervalMs = 10 * 60_000;
/** Changes that come less than this after each other are one. */
const settledAfterMs = 10_000;
/** On a node whose rules never come to rest. */
const longestIntervalMs = 60 * 60_000;

/** Finds other programs' rules that masquerade what a policy keeps. Throws AgentError ABORTED only. */
export type FindForeignMasquerade = (policy: Policy, signal: AbortSignal) => Promise<ForeignRules>;

/** What has happened until a moment, on the clock of monotonicMs(). */
export interface SurveyOccasion {
  readonly now: number;
  readonly policy: Policy;
  /** When other programs last changed their rules; undefined where that can't be known. */
  readonly othersChangedAt: number | undefined;
}

/**
 * Searches other programs' rules for masquerading after the start, and again after they, or the policy, have changed. It
 * only reads, so the loop does not wait for it.
 */
export class ForeignSurvey {
  readonly #find: FindForeignMasquerade;
  readonly #report: ReportEvent;
  #lastAt = Number.NEGATIVE_INFINITY;
  #lastPolicy: Policy | undefined;
  #running: Promise<void> | undefined;

  constructor(find: FindForeignMasquerade, report: ReportEvent) {
    this.#find = find;
    this.#report = report;
  }

  /** Begins a search, if it is time. */
  startIfDue({ now, policy, othersChangedAt }: SurveyOccasion, stop: AbortSignal): void {
    if (this.#running || !this.#isDue({ now, policy, othersChangedAt })) return;
    this.#lastAt = now;
    this.#lastPolicy = policy;
    this.#running = this.#search(policy, stop).finally(() => {
      this.#running = undefined;
    });
  }

  /** Resolves once no search runs. */
  async ended(): Promise<void> {
    await this.#running;
  }

  #isDue({ now, policy, othersChangedAt = now - settledAfterMs }: SurveyOccasion): boolean {
    const sinceLast = now - this.#lastAt;
    if (sinceLast < shortestIntervalMs) return false;
    const isStale = policy !== this.#lastPolicy || othersChangedAt >= this.#lastAt;
    return isStale && (now - othersChangedAt >= settledAfterMs || sinceLast >= longestIntervalMs);
  }

  async #search(policy: Policy, stop: AbortSignal): Promise<void> {
    const found = await this.#find(policy, stop).catch((error: unknown) => asAgentError(error));
    if (!(found instanceof AgentError)) this.#report({ type: 'foreign-masquerade', found });
    else if (found.code !== 'ABORTED') {
      // A mistake in reading what others wrote is no reason to end.
      this.#report({ type: 'foreign-masquerade', found: { found: [], failures: [found], complete: false } });
    }
  }
}
