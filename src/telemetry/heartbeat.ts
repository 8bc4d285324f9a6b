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
export function startHeartbeat(log: Log, status: () => AgentState): () => void {
  const timer = setInterval(() => logHeartbeat(log, status()), dayMs).unref();
  return () => clearInterval(timer);
}

function logHeartbeat(log: Log, status: AgentState): void {
  const { agent, policy, rejection, driftRepairs, lastSyncAt } = status;
  const fields = {
    ...(agent ? { backend: agent.backend } : {}),
    ...(policy ? { entries: describeEntryCounts(policy) } : {}),
    ...(lastSyncAt ? { lastSync: new Date(lastSyncAt.wall).toISOString() } : {}),
    driftRepairs,
  };
  const { ok, reason } = readiness(status);
  const [problem] = rejection?.reading.problems ?? [];
  if (!ok) log.warn(`heartbeat: not ready, ${reason}`, fields);
  else if (problem) log.warn(`heartbeat: in sync, but the config is rejected: ${formatProblem(problem)}`, fields);
  else log.info('heartbeat: in sync', fields);
}
