import type { ReportEvent } from '../agent/events.ts';
import { describeEntryCounts } from '../policy/policy.ts';
import type { ServiceManager } from '../system/systemd-notify.ts';
import { type AgentState, systemClock } from './agent-state.ts';
import { liveness, readiness } from './health.ts';

/** Keeps systemd informed of one agent (sd_notify(3)). */
export interface SdNotifier {
  readonly observe: ReportEvent;
  /** A reload was asked for; the next reconcile is it. */
  reloading(): void;
  /** The agent ends. */
  stop(): Promise<void>;
}

/**
 * Tells systemd when rules are in place for the first time, of each reload, and, as often as it wants, that the loop
 * is alive and what the agent has come to.
 */
export function startSdNotifier(manager: ServiceManager, state: () => AgentState): SdNotifier {
  let isReady = false;
  let reload: 'none' | 'asked' | 'begun' = 'none';
  const notifyReady = () => manager.notify('READY=1', `STATUS=${describe(state())}`);
  const signOfLife = () => {
    if (liveness(state(), systemClock().monotonic).ok) manager.notify('WATCHDOG=1', `STATUS=${describe(state())}`);
  };
  const timer = manager.watchdogMs === undefined ? undefined : setInterval(signOfLife, manager.watchdogMs).unref();

  return {
    observe: ({ type }) => {
      // While names are awaited, rules are in place, and what waits for them need not wait longer.
      if (!isReady && (type === 'applied' || type === 'in-sync' || type === 'names-awaited')) {
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
function describe(state: AgentState): string {
  const { ok, reason } = readiness(state);
  const text = ok && state.policy ? `in sync, ${describeEntryCounts(state.policy)}` : `not ready: ${reason}`;
  const rejected = state.rejection ? '; the config on disk is rejected' : '';
  return `${state.agent?.backend ?? 'starting'}: ${text}${ok ? rejected : ''}`.replaceAll('\n', ' ');
}
