import type { ReportEvent } from '../../agent/events.ts';
import { type OnceDependencies, runAgent, runOnce } from '../../agent.ts';
import type { ConfigReading } from '../../config/config.ts';
import type { ConfigReader } from '../../config/reader.ts';
import { type ExitCode, exitCodes } from '../../errors.ts';
import { createIdleMemory, type IdleMemory } from '../../system/idle-memory.ts';
import { subscribeToSignal } from '../../system/signals.ts';
import { trackAgentState } from '../../telemetry/agent-state.ts';
import { createDeferredLog } from '../../telemetry/deferred-log.ts';
import { createEventLog } from '../../telemetry/event-log.ts';
import { fanOut } from '../../telemetry/fan-out.ts';
import { startHeartbeat } from '../../telemetry/heartbeat.ts';
import { version } from '../../version.ts';
import { changeWatchOf, foreignSearchOf, leftoverRemovalOf, namedBackend, selectBackend } from '../backend-source.ts';
import type { CommandContext, CommandFunction } from '../command.ts';
import type { Flags } from '../flags.ts';
import { observabilityOf } from '../observability-source.ts';
import { serviceStatusOf } from '../service-source.ts';

/** The agent itself, until SIGTERM or SIGINT; with --once, it applies once. */
export const run: CommandFunction = async (call) => {
  const stop = new AbortController();
  const signals = ['SIGTERM', 'SIGINT'] as const;
  // Not once(): execa, seeing no listener but its own, would end the process on the spot while a tool runs.
  for (const signal of signals) process.on(signal, () => stop.abort(signal));
  try {
    return await runUntil(stop, call);
  } catch (error) {
    // Told to stop before it had begun: the probe of the backend, for one, was cut short.
    if (stop.signal.aborted && !call.flags.once) return exitCodes.done;
    throw error;
  }
};

async function runUntil(stop: AbortController, { flags, warnings }: CommandContext): Promise<ExitCode> {
  // What the first rules can wait for is loaded while tools run, or later.
  const [{ backend, reason }, config] = await Promise.all([selectBackend(flags, stop.signal), openConfig(flags)]);
  const log = createDeferredLog(async () => {
    const { createLog } = await import('../../telemetry/log.ts');
    return createLog({ level: flags['log-level'], format: flags['log-format'] });
  });
  for (const warning of warnings) log.warn(warning);
  const tracker = trackAgentState();
  const observability = flags.once
    ? undefined
    : await observabilityOf(flags, { backend: backend.name, status: tracker.status, log, stop: stop.signal });
  const service = flags.once ? undefined : serviceStatusOf(log, tracker.status);
  const observers = [observability, service].filter((observer) => observer !== undefined);
  const report = fanOut([
    createEventLog(log),
    tracker.report,
    ...observers.map((observer) => observer.report),
    reportToMemory(createIdleMemory()),
  ]);
  report({
    type: 'started',
    version,
    backend: backend.name,
    reason,
    configPath: flags.config,
  });
  const dependencies: OnceDependencies = {
    backend,
    readConfig: config.read,
    policyOf: config.policyOf,
    report,
    removeLeftovers: leftoverRemovalOf(flags, backend),
  };
  if (flags.once) {
    await runOnce(dependencies, stop.signal);
    return exitCodes.done;
  }
  for (const server of observability?.servers ?? []) report({ type: 'serving', ...server });
  const stopHeartbeat = startHeartbeat(log, tracker.status);
  try {
    await runAgent(
      {
        ...dependencies,
        watchConfig: async (onEvent) => {
          const { watchConfig } = await import('../../config/watch.ts');
          return watchConfig(flags.config, onEvent, (reason) => report({ type: 'watch-failed', reason }));
        },
        watchChanges: changeWatchOf(flags, backend),
        findForeignMasquerade: foreignSearchOf(flags),
        onReloadSignal: (onEvent) =>
          subscribeToSignal('SIGHUP', () => {
            service?.reloading();
            onEvent();
          }),
      },
      stop.signal,
    );
  } finally {
    stopHeartbeat();
    await Promise.all([observability?.stop(), service?.stop()]);
  }
  report({ type: 'stopped', reason: String(stop.signal.reason) });
  return exitCodes.done;
}

/** What leaves garbage behind: everything but to wait, and to find that there is nothing to look at. */
function reportToMemory(memory: IdleMemory): ReportEvent {
  return (event) => {
    const isIdle = event.type === 'waiting' || event.type === 'reconciling';
    if (!isIdle && !(event.type === 'in-sync' && event.verifiedBy === 'events')) memory.worked();
  };
}

/**
 * Reads the config ahead, and goes through what will be made of it, while tools run: the first pass takes that reading
 * and that policy, and code that runs for the second time is faster.
 */
async function openConfig(flags: Flags): Promise<ConfigReader & Pick<OnceDependencies, 'policyOf'>> {
  const { configReaderOf, policyOf } = await import('../policy-source.ts');
  const reader = configReaderOf(flags);
  let ahead: ConfigReading | undefined = await reader.read();
  let known = ahead.ok ? { config: ahead.config, policy: policyOf(flags, ahead.config) } : undefined;
  if (known) namedBackend(flags).render(known.policy);
  return {
    read() {
      const reading = ahead;
      ahead = undefined;
      return reading ? Promise.resolve(reading) : reader.read();
    },
    policyOf(config) {
      const policy = config === known?.config ? known.policy : policyOf(flags, config);
      // Long lists need not be kept twice.
      known = undefined;
      return policy;
    },
  };
}
