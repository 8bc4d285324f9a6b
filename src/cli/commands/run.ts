import { type PassDependencies, runAgent, runOnce } from '../../agent.ts';
import { watchConfig } from '../../config/watch.ts';
import { exitCodes } from '../../errors.ts';
import { subscribeToSignal } from '../../system/signals.ts';
import { createStatusTracker } from '../../telemetry/agent-status.ts';
import { createEventLog } from '../../telemetry/event-log.ts';
import { fanOut } from '../../telemetry/fan-out.ts';
import { startHeartbeat } from '../../telemetry/heartbeat.ts';
import { createLog } from '../../telemetry/log.ts';
import { version } from '../../version.ts';
import { kernelWatchOf, leftoverRemovalOf, selectBackend } from '../backend-source.ts';
import type { CommandFunction } from '../command.ts';
import { observabilityOf } from '../observability-source.ts';
import { configReaderOf, policyOf } from '../policy-source.ts';
import { serviceStatusOf } from '../service-source.ts';

/** The agent itself, until SIGTERM or SIGINT; with --once, one pass. */
export const run: CommandFunction = async ({ flags, warnings }) => {
  const log = createLog({ level: flags['log-level'], format: flags['log-format'] });
  for (const warning of warnings) log.warn(warning);
  const stop = new AbortController();
  const signals = ['SIGTERM', 'SIGINT'] as const;
  // Not once(): execa, seeing no listener but its own, would end the process on the spot while a tool runs.
  for (const signal of signals) process.on(signal, () => stop.abort(signal));

  const { backend, reason } = await selectBackend(flags, stop.signal);
  const tracker = createStatusTracker();
  const observability = flags.once
    ? undefined
    : await observabilityOf(flags, { backend: backend.name, status: tracker.status, log, stop: stop.signal });
  const service = flags.once ? undefined : serviceStatusOf(log, tracker.status);
  const observers = [observability, service].filter((observer) => observer !== undefined);
  const report = fanOut([createEventLog(log), tracker.report, ...observers.map((observer) => observer.report)]);
  report({
    type: 'started',
    version,
    backend: backend.name,
    reason,
    configPath: flags.config,
  });
  const dependencies: PassDependencies = {
    backend,
    readConfig: configReaderOf(flags).read,
    policyOf: (config) => policyOf(flags, config),
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
        watchConfig: (onEvent) =>
          watchConfig(flags.config, onEvent, (reason) => report({ type: 'watch-failed', reason })),
        watchKernel: kernelWatchOf(backend),
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
};
