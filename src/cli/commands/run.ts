import type { AgentEvent, ReportEvent } from '../../agent/events.ts';
import { type OnceDependencies, runAgent, runOnce } from '../../agent.ts';
import { AgentError, type ExitCode, exitCodes } from '../../errors.ts';
import { AddressSource, readNodeAddresses } from '../../system/address-source.ts';
import { spareDescriptors } from '../../system/descriptors.ts';
import { createIdleMemory, type IdleMemory } from '../../system/idle-memory.ts';
import { findPodRoutes } from '../../system/pod-routes.ts';
import { stopOnSignals, subscribeToSignal } from '../../system/signals.ts';
import { trackAgentState } from '../../telemetry/agent-state.ts';
import { createEventLog } from '../../telemetry/event-log.ts';
import { startHeartbeat } from '../../telemetry/heartbeat.ts';
import type { Log } from '../../telemetry/log.ts';
import { version } from '../../version.ts';
import type { CommandContext, CommandFunction } from '../command.ts';
import type { Flags } from '../flags.ts';
import { changeWatchOf, foreignSearchOf, leftoverRemovalOf, leftoverSearchOf, selectBackend } from '../wire/backend.ts';
import { connectionCareOf } from '../wire/connection-care.ts';
import { namesOf } from '../wire/names.ts';
import type { ReadAddresses } from '../wire/policy.ts';
import { endpointsOf, sdNotifierOf } from '../wire/telemetry.ts';

/** The agent itself, until SIGTERM or SIGINT; with --once, one reconcile. Throws USAGE for a config that can't be watched. */
export const run: CommandFunction = async (context) => {
  if (context.flags.config === '-') throw new AgentError('USAGE', 'run: a config from standard input never changes');
  const stop = stopOnSignals();
  try {
    return await (context.flags.once ? applyOnce(context, stop) : keepApplied(context, stop));
  } catch (error) {
    // Told to stop before it had begun: the probe of the backend, for one, was cut short.
    if (stop.aborted && !context.flags.once) return exitCodes.done;
    throw error;
  } finally {
    // Fires only if something still keeps the process alive: log lines that nobody reads must not hold up the end.
    setTimeout(() => process.exit(), lastWriteMs).unref();
  }
};

/** Milliseconds that the last log lines have to be written in. */
const lastWriteMs = 500;

async function applyOnce(context: CommandContext, stop: AbortSignal): Promise<ExitCode> {
  const { log, ...parts } = await prepare(context, stop);
  const { report, subscribe } = trackAgentState();
  subscribe(createEventLog(log));
  report(startedEvent(context.flags, parts));
  await runOnce(dependenciesOf(context.flags, parts, report, readNodeAddresses), stop);
  return exitCodes.done;
}

async function keepApplied(context: CommandContext, stop: AbortSignal): Promise<ExitCode> {
  const { flags } = context;
  const spare = await spareDescriptors();
  const { log, ...parts } = await prepare(context, stop);
  const { report, state, subscribe } = trackAgentState();
  const backend = parts.backend.name;
  const endpoints = await endpointsOf(flags, { backend, state, report, log, spareDescriptors: spare, stop });
  const notifier = sdNotifierOf(log, state);
  const care = connectionCareOf(flags, { backend, state, report, stop });
  subscribe(createEventLog(log));
  for (const observer of [endpoints, notifier]) if (observer) subscribe(observer.observe);
  subscribe(care.observe);
  subscribe(memoryObserver(createIdleMemory()));
  report(startedEvent(flags, parts));
  endpoints?.start();
  care.startSampling();
  const stopHeartbeat = startHeartbeat(log, state);
  let onAddressChange = (): void => {};
  const addresses = new AddressSource({
    onChange: () => onAddressChange(),
    onFailure: (reason) => report({ type: 'address-watch-failed', reason }),
  });
  try {
    await runAgent(
      {
        ...dependenciesOf(flags, parts, report, (wanted) => addresses.read(wanted)),
        watchAddresses: (onEvent) => {
          onAddressChange = onEvent;
          return Promise.resolve(addresses);
        },
        watchConfig: (onEvent) => watchConfigOf(flags, onEvent, report),
        watchChanges: changeWatchOf(flags, parts.backend),
        findForeignMasquerade: foreignSearchOf(flags),
        onReloadSignal: (onEvent) =>
          subscribeToSignal('SIGHUP', () => {
            notifier?.reloading();
            onEvent();
          }),
      },
      stop,
    );
  } finally {
    stopHeartbeat();
    await Promise.all([endpoints?.stop(), notifier?.stop(), care.settled()]);
  }
  report({ type: 'stopped', reason: String(stop.reason) });
  return exitCodes.done;
}

/** What is loaded and found out before the first reconcile; the modules are loaded while the tools of the probe run. */
async function prepare({ flags, warnings }: CommandContext, stop: AbortSignal) {
  const [{ backend, reason }, wiring, log] = await Promise.all([
    selectBackend(flags, stop),
    import('../wire/policy.ts'),
    openLog(flags),
  ]);
  for (const warning of warnings) log.warn(warning);
  return { backend, reason, wiring, log };
}

type Parts = Omit<Awaited<ReturnType<typeof prepare>>, 'log'>;

function dependenciesOf(
  flags: Flags,
  { backend, wiring }: Parts,
  report: ReportEvent,
  readAddresses: ReadAddresses,
): OnceDependencies {
  return {
    backend,
    readConfig: wiring.configReaderOf(flags, readAddresses).read,
    policyOf: (reading, answers) => wiring.policyOf(flags, reading, answers),
    onThisNode: (reading) => wiring.withAddressesOfNow(reading, readAddresses),
    startNames: namesOf(flags),
    report,
    findLeftovers: leftoverSearchOf(flags, backend),
    removeLeftovers: leftoverRemovalOf(flags, backend),
    findPodRoutes,
  };
}

function startedEvent(flags: Flags, { backend, reason }: Parts) {
  return { type: 'started', version, backend: backend.name, reason, configPath: flags.config } as const;
}

async function openLog(flags: Flags): Promise<Log> {
  const { createLog } = await import('../../telemetry/log.ts');
  return createLog({ level: flags['log-level'], format: flags['log-format'] });
}

async function watchConfigOf(flags: Flags, onEvent: () => void, report: ReportEvent) {
  const { watchConfig } = await import('../../config/watch.ts');
  return watchConfig(flags.config, onEvent, (reason) => report({ type: 'watch-failed', reason }));
}

/** What leaves garbage behind: everything but to wait, and to find that there is nothing to look at. */
function memoryObserver(memory: IdleMemory): (event: AgentEvent) => void {
  return (event) => {
    const isIdle = event.type === 'waiting' || event.type === 'reconciling';
    if (!isIdle && !(event.type === 'in-sync' && event.verifiedBy === 'events')) memory.worked();
  };
}
