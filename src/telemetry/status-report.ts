import { formatProblem } from '../config/problems.ts';
import { entryCounts } from '../policy/policy.ts';
import type { AgentReport } from '../status/agent-report.ts';
import type { AgentState, Instant } from './agent-state.ts';
import { readiness } from './health.ts';

/** The agent's status as /statusz tells it. */
export function statusReport(status: AgentState): AgentReport {
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
      problems: (rejection?.reading.problems ?? []).map(formatProblem),
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

function time(instant: Instant | undefined): string | null {
  return instant ? new Date(instant.wall).toISOString() : null;
}
