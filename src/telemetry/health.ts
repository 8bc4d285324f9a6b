import { formatProblem } from '../config/problems.ts';
import type { AgentState } from './agent-state.ts';

/** The answer to a health check; `reason` is for people. */
export interface Health {
  readonly ok: boolean;
  readonly reason: string;
}

/** A pass of the loop may take this long: several runs of tools, each of which is killed after 30 s, and a lock. */
const longestPassMs = 5 * 60_000;
/** How late a timer may be on a node that is short of CPU. */
const longestDelayMs = 60_000;

/** Whether the loop is alive: waiting for its next pass, or busy with one for no longer than a pass can take. */
export function liveness({ loop }: Pick<AgentState, 'loop'>, steadyNow: number): Health {
  if (loop.doing === 'pass' && steadyNow - loop.since > longestPassMs) {
    return { ok: false, reason: `a pass has been running for ${seconds(steadyNow - loop.since)}` };
  }
  if (loop.doing === 'wait' && steadyNow - loop.until > longestDelayMs) {
    return { ok: false, reason: `the next pass is overdue by ${seconds(steadyNow - loop.until)}` };
  }
  return { ok: true, reason: 'ok' };
}

/**
 * Whether the kernel held the agent's policy when it was last looked at. A config that turns bad later does not count:
 * the last good one stays in force.
 */
export function readiness({ policy, rejection, failure }: AgentState): Health {
  if (failure) {
    const { code, message } = failure.error;
    return { ok: false, reason: `the kernel could not be brought to the policy: ${code}: ${message}` };
  }
  if (policy) return { ok: true, reason: 'ok' };
  if (!rejection) return { ok: false, reason: 'the first pass has not finished' };
  const problems = rejection.reading.problems.map(formatProblem);
  return { ok: false, reason: `no config was accepted yet: ${problems.join('; ') || 'no reason given'}` };
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
