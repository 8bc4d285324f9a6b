import { systemRunner } from '../system/run.ts';
import { serviceManagerOf } from '../system/systemd-notify.ts';
import type { AgentState } from '../telemetry/agent-state.ts';
import type { Log } from '../telemetry/log.ts';
import { type ServiceStatus, startServiceStatus } from '../telemetry/service-status.ts';

/** What tells systemd of the agent, where systemd started it and asked for that. */
export function serviceStatusOf(log: Log, status: () => AgentState): ServiceStatus | undefined {
  const onFailure = (reason: string) => log.warn(`systemd can't be told of the agent: ${reason}`);
  const manager = serviceManagerOf(process.env, systemRunner, onFailure);
  return manager && startServiceStatus(manager, status);
}
