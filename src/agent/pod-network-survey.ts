import type { Config } from '../config/config.ts';
import { formatProblem } from '../config/problems.ts';
import type { PodRoute } from '../net/pod-route.ts';
import { lintPodNetworks } from '../policy/pod-network-lint.ts';
import type { Policy } from '../policy/policy.ts';
import type { ReportEvent } from './events.ts';

/** Network plugins often come up after this agent, and a route changes nothing at once but a warning. */
const intervalMs = 10 * 60_000;

/** Finds the routes by which Pods are reached. */
export type FindPodRoutes = () => Promise<readonly PodRoute[]>;

/** Tells of Pods that the policy in force masquerades towards: with each policy, and again when routes make it others. */
export class PodNetworkSurvey {
  readonly #find: FindPodRoutes;
  readonly #report: ReportEvent;
  #policy: Policy | undefined;
  #nextAt = Number.NEGATIVE_INFINITY;
  #told: ReadonlySet<string> = new Set();

  constructor(find: FindPodRoutes, report: ReportEvent) {
    this.#find = find;
    this.#report = report;
  }

  /** Looks, if it is time. `now` is on the clock of monotonicMs(). */
  async runIfDue(now: number, policy: Policy, config: Config): Promise<void> {
    if (policy === this.#policy && now < this.#nextAt) return;
    this.#policy = policy;
    this.#nextAt = now + intervalMs;
    const warnings = lintPodNetworks(policy, config, await this.#find());
    const known = this.#told;
    this.#told = new Set(warnings.map(formatProblem));
    const news = warnings.filter((warning) => !known.has(formatProblem(warning)));
    if (news.length > 0) this.#report({ type: 'pod-networks', warnings: news });
  }
}
