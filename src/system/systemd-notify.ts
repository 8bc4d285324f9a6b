import { AgentError } from '../errors.ts';
import type { Runner } from './run.ts';

/** The service manager that started the agent and wants to be told how it is (sd_notify(3)). */
export interface ServiceManager {
  /** Milliseconds between two signs of life, half of what systemd waits; undefined where it wants none. */
  readonly watchdogMs: number | undefined;
  /** Tells it `READY=1` and the like, after what was told before. Returns at once and never fails. */
  notify(...assignments: readonly string[]): void;
  /** Tells it a last thing in place of whatever is still to be told. Takes no longer than half a second. */
  close(...assignments: readonly string[]): Promise<void>;
}

type Environment = Readonly<Record<string, string | undefined>>;

const timeoutMs = 10_000;
const lastTimeoutMs = 500;

/**
 * systemd, where it started this process and asked to be told (NOTIFY_SOCKET); undefined otherwise. Node can't send to
 * its socket, so systemd-notify(1) does, which waits until systemd has read the message: the unit has to allow messages
 * of other processes than the first (NotifyAccess=all). `onFailure` hears why when it begins to fail; the agent works
 * without, and goes on trying, since a watchdog that hears nothing would end it.
 */
export function serviceManagerOf(
  environment: Environment,
  runner: Runner,
  onFailure: (reason: string) => void,
): ServiceManager | undefined {
  if (!environment['NOTIFY_SOCKET']) return undefined;
  const closed = new AbortController();
  let hasFailed = false;
  let told = Promise.resolve();

  const tell = async (assignments: readonly string[], limits: { timeoutMs: number; signal?: AbortSignal }) => {
    try {
      const { exitCode, stderr } = await runner.run({ tool: 'systemd-notify', args: assignments, ...limits });
      if (exitCode !== 0)
        throw new AgentError('TOOL_FAILED', `systemd-notify: exit code ${exitCode}: ${stderr.trim()}`);
      hasFailed = false;
    } catch (error) {
      if (hasFailed || closed.signal.aborted) return;
      hasFailed = true;
      onFailure(error instanceof Error ? error.message : String(error));
    }
  };

  return {
    watchdogMs: watchdogOf(environment),
    notify: (...assignments) => {
      told = told.then(() => tell(assignments, { timeoutMs, signal: closed.signal }));
    },
    close: async (...assignments) => {
      closed.abort();
      await told;
      await tell(assignments, { timeoutMs: lastTimeoutMs });
    },
  };
}

/** Half of WATCHDOG_USEC, as sd_watchdog_enabled(3) recommends, where it is meant for this process. */
function watchdogOf({ WATCHDOG_USEC: limit, WATCHDOG_PID: pid }: Environment): number | undefined {
  const isMeant = pid === undefined || Number(pid) === process.pid;
  const milliseconds = Number(limit ?? 0) / 1000 / 2;
  return isMeant && milliseconds >= 1 ? milliseconds : undefined;
}
