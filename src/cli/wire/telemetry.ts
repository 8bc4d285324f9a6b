import type { ReportEvent } from '../../agent/events.ts';
import type { BackendName } from '../../backends/backend.ts';
import { createConnectionCounters } from '../../backends/nft/counters.ts';
import { systemRunner } from '../../system/run.ts';
import { serviceManagerOf } from '../../system/systemd-notify.ts';
import type { AgentState } from '../../telemetry/agent-state.ts';
import type { Endpoints } from '../../telemetry/endpoints.ts';
import type { Log } from '../../telemetry/log.ts';
import { type SdNotifier, startSdNotifier } from '../../telemetry/sd-notifier.ts';
import type { Flags } from '../flags.ts';

/** The agent that is told of. */
interface Subject {
  readonly backend: BackendName;
  readonly state: () => AgentState;
  readonly report: ReportEvent;
  readonly log: Log;
  /** How many descriptors this process can spare for clients. */
  readonly spareDescriptors: number;
  readonly stop: AbortSignal;
}

/**
 * What the flags switch on of metrics and health checks. Where they switch on nothing, nothing is loaded: an agent
 * without HTTP stays small.
 */
export async function endpointsOf(flags: Flags, subject: Subject): Promise<Endpoints | undefined> {
  const { 'metrics-bind-address': metricsAddress, 'healthz-bind-address': healthAddress } = flags;
  if (metricsAddress === '' && healthAddress === '') return undefined;
  const { createEndpoints } = await import('../../telemetry/endpoints.ts');
  const { state, report, log, spareDescriptors } = subject;
  return createEndpoints({
    metricsAddress,
    healthAddress,
    state,
    report,
    log,
    flags: textOf(flags),
    readConnections: connectionsOf(subject),
    spareDescriptors,
  });
}

/** Only nft counts connections: in the iptables backends, a rule's counters start again with each change. */
function connectionsOf({ backend, stop }: Subject) {
  if (backend !== 'nft') return undefined;
  const counters = createConnectionCounters({ runner: systemRunner });
  return () => counters.read(stop);
}

/** The flags in force, as /flagz shows them. */
function textOf(flags: Flags): ReadonlyMap<string, string> {
  return new Map(Object.entries(flags).map(([name, value]) => [name, flagText(value)]));
}

function flagText(value: Flags[keyof Flags]): string {
  if (typeof value !== 'object') return String(value ?? '');
  return value.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}

/** What tells systemd of the agent, where systemd started it and asked for that. */
export function sdNotifierOf(log: Log, state: () => AgentState): SdNotifier | undefined {
  const onFailure = (reason: string) => log.warn(`systemd can't be told of the agent: ${reason}`);
  const manager = serviceManagerOf(process.env, systemRunner, onFailure);
  return manager && startSdNotifier(manager, state);
}
