import { formatProblem } from '../config/problems.ts';
import type { AgentState } from './agent-state.ts';

/** One thing that a health check goes by; `detail` is for people. */
export interface HealthCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** The answer to a health check: whether all is well, and if not, why. */
export interface Health {
  readonly ok: boolean;
  readonly reason: string;
  readonly checks: readonly HealthCheck[];
}

/** A reconcile may take this long: several runs of tools, each of which is killed after 30 s, and a lock. */
const longestReconcileMs = 5 * 60_000;
/** How late a timer may be on a node that is short of CPU. */
const longestDelayMs = 60_000;

/** Whether the loop is alive: waiting for its next reconcile, or busy with one for no longer than one can take. */
export function liveness({ loop }: Pick<AgentState, 'loop'>, monotonicNow: number): Health {
  return healthOf([{ name: 'loop', ...loopCheck(loop, monotonicNow) }]);
}

/**
 * Whether the kernel held the agent's policy when it was last looked at. A config that turns bad later does not count:
 * the last good one stays in force.
 */
export function readiness(state: AgentState): Health {
  return healthOf([
    { name: 'config', ...configCheck(state) },
    { name: 'kernel', ...kernelCheck(state) },
  ]);
}

/** The answer to `?verbose`, line by line as the components of Kubernetes give it (component-base's healthz). */
export function formatHealth(name: string, { ok, checks }: Health): string {
  return [
    ...checks.map((check) =>
      check.ok
        ? `[+]${check.name} ok${check.detail === 'ok' ? '' : `: ${check.detail}`}`
        : `[-]${check.name} failed: ${check.detail}`,
    ),
    `${name} check ${ok ? 'passed' : 'failed'}`,
  ].join('\n');
}

type Finding = Omit<HealthCheck, 'name'>;

const fine: Finding = { ok: true, detail: 'ok' };

function healthOf(checks: readonly HealthCheck[]): Health {
  const failed = checks.find(({ ok }) => !ok);
  return { ok: failed === undefined, reason: failed?.detail ?? 'ok', checks };
}

function loopCheck(loop: AgentState['loop'], now: number): Finding {
  if (loop.doing === 'reconcile' && now - loop.since > longestReconcileMs) {
    return { ok: false, detail: `a reconcile has been running for ${seconds(now - loop.since)}` };
  }
  if (loop.doing === 'wait' && now - loop.until > longestDelayMs) {
    return { ok: false, detail: `the next reconcile is overdue by ${seconds(now - loop.until)}` };
  }
  return fine;
}

function configCheck({ policy, config, rejection, fallback }: AgentState): Finding {
  if (rejection) {
    const problems = rejection.reading.problems.map(formatProblem).join('; ') || 'no reason given';
    const isKept = config !== undefined || policy !== undefined;
    return isKept
      ? { ok: true, detail: `the last good one is in force, the one on disk is rejected: ${problems}` }
      : { ok: false, detail: `no config was accepted yet: ${problems}` };
  }
  if (fallback) return { ok: true, detail: `${fallback.lostFiles.join(', ')} was deleted, the defaults apply` };
  return fine;
}

function kernelCheck({ policy, failure, awaitedNames }: AgentState): Finding {
  if (failure) {
    const { code, message } = failure.error;
    return { ok: false, detail: `the kernel could not be brought to the policy: ${code}: ${message}` };
  }
  const [name, ...others] = awaitedNames;
  if (name !== undefined) {
    const names = others.length === 0 ? name : `${name} and ${others.length} other names`;
    return { ok: false, detail: `the rules found in the kernel stay until DNS answers ${names}, ten minutes at most` };
  }
  return policy ? fine : { ok: false, detail: 'the first reconcile has not finished' };
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
