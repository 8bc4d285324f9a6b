import type { ReportEvent } from '../agent/events.ts';
import { describeEntryCounts } from '../policy/entry-counts.ts';
import type { ServiceManager } from '../system/systemd-notify.ts';
import { type AgentState, systemClock } from './agent-state.ts';
import { liveness, readiness } from './health.ts';

/** Keeps the service manager informed of one agent. */
export interface ServiceStatus {
  readonly report: ReportEvent;
  /** A reload was asked for; the next pass is it. */
  reloading(): void;
  /** The agent ends. */
  stop(): Promise<void>;
}

/**
 * Tells the service manager when the rules are in place for the first time, of each reload, and, as often as it wants,
 * that the loop is alive and what the agent has come to.
 */
export function startServiceStatus(manager: ServiceManager, status: () => AgentState): ServiceStatus {
  let isReady = false;
  let reload: 'none' | 'asked' | 'begun' = 'none';
  const notifyReady = () => manager.notify('READY=1', `STATUS=${describe(status())}`);
  const signOfLife = () => {
    if (liveness(status(), systemClock().steady).ok) manager.notify('WATCHDOG=1', `STATUS=${describe(status())}`);
  };
  const timer = manager.watchdogMs === undefined ? undefined : setInterval(signOfLife, manager.watchdogMs).unref();

  return {
    report: ({ type }) => {
      if (!isReady && (type === 'applied' || type === 'in-sync')) {
        isReady = true;
        notifyReady();
      }
      if (type === 'reconciling' && reload === 'asked') reload = 'begun';
      if (type === 'waiting' && reload === 'begun') {
        reload = 'none';
        notifyReady();
      }
    },
    reloading: () => {
      if (!isReady) return;
      reload = 'asked';
      manager.notify('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
    },
    stop: async () => {
      clearInterval(timer);
      await manager.close('STOPPING=1');
    },
  };
}

/** One line for `systemctl status`. */
function describe(status: AgentState): string {
  const { ok, reason } = readiness(status);
  const text = ok && status.policy ? `in sync, ${describeEntryCounts(status.policy)}` : `not ready: ${reason}`;
  const rejected = status.rejection ? '; the config on disk is rejected' : '';
  return `${status.agent?.backend ?? 'starting'}: ${text}${ok ? rejected : ''}`.replaceAll('\n', ' ');
}
