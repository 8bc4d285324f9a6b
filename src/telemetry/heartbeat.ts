import { formatProblem } from '../config/problems.ts';
import { describeEntryCounts } from '../policy/policy.ts';
import type { AgentState } from './agent-state.ts';
import { readiness } from './health.ts';
import type { Log } from './log.ts';

const dayMs = 24 * 60 * 60_000;

/**
 * Logs one line a day, so that a silent agent can be told from a dead one, and what is wrong for days is not forgotten.
 * Gives the function that ends it.
 */
export function startHeartbeat(log: Log, state: () => AgentState): () => void {
  const timer = setInterval(() => logHeartbeat(log, state()), dayMs).unref();
  return () => clearInterval(timer);
}

function logHeartbeat(log: Log, state: AgentState): void {
  const { agent, policy, rejection, fallback, driftRepairs, lastSyncAt } = state;
  const fields = {
    ...(agent ? { backend: agent.backend } : {}),
    ...(policy ? { entries: describeEntryCounts(policy) } : {}),
    ...(lastSyncAt ? { lastSync: new Date(lastSyncAt.wallClock).toISOString() } : {}),
    driftRepairs,
  };
  const { ok, reason } = readiness(state);
  const [problem] = rejection?.reading.problems ?? [];
  if (!ok) log.warn(`heartbeat: not ready, ${reason}`, fields);
  else if (problem) log.warn(`heartbeat: in sync, but the config is rejected: ${formatProblem(problem)}`, fields);
  else if (fallback) log.warn('heartbeat: in sync with the defaults, since the config was deleted', fields);
  else log.info('heartbeat: in sync', fields);
}
