import type { Problem } from '../config/config.ts';
import { formatProblem } from '../config/problem.ts';
import type { AgentStatus, Instant } from './agent-status.ts';
import { readiness } from './health.ts';
import { entryCounts } from './policy-entries.ts';

/** The agent's status as JSON, for /statusz. Times are ISO 8601 in UTC; what is not known is null. */
export function statusReport(status: AgentStatus) {
  const { agent, config, rejection, policy, failure } = status;
  const { ok, reason } = readiness(status);
  return {
    version: agent?.version ?? null,
    pid: process.pid,
    startedAt: time(status.startedAt),
    backend: agent?.backend ?? null,
    backendReason: agent?.reason ?? null,
    ready: ok,
    reason,
    config: {
      path: agent?.configPath ?? null,
      files: config?.reading.files ?? [],
      digest: config?.reading.digest ?? null,
      acceptedAt: time(config?.at),
      rejectedAt: time(rejection?.at),
      problems: (rejection?.reading.problems ?? []).map((problem: Problem) => formatProblem(problem)),
    },
    entries: policy ? entryCounts(policy) : [],
    lastSyncAt: time(status.lastSyncAt),
    lastApplyAt: time(status.lastApplyAt),
    driftRepairs: status.driftRepairs,
    lastDriftRepairAt: time(status.lastDriftRepairAt),
    failure: failure
      ? { code: failure.error.code, message: failure.error.message, count: failure.count, since: time(failure.since) }
      : null,
  };
}

export type StatusReport = ReturnType<typeof statusReport>;

function time(instant: Instant | undefined): string | null {
  return instant ? new Date(instant.wall).toISOString() : null;
}
