import type { BackendName } from '../backends/backend.ts';
import { createConnectionCounters } from '../backends/nft/connection-counters.ts';
import { systemRunner } from '../system/run.ts';
import type { AgentState } from '../telemetry/agent-state.ts';
import type { Log } from '../telemetry/log.ts';
import type { Observability } from '../telemetry/observability.ts';
import { startConnectionSampling } from './connection-sampling.ts';
import type { Flags } from './flags.ts';

/** The agent that is to be observed. */
interface Subject {
  readonly backend: BackendName;
  readonly status: () => AgentState;
  readonly log: Log;
  readonly stop: AbortSignal;
}

/**
 * What the flags switch on of metrics and health checks. Where they switch on nothing, nothing is loaded: an agent
 * without HTTP stays small. Throws LISTEN_FAILED.
 */
export async function observabilityOf(flags: Flags, subject: Subject): Promise<Observability | undefined> {
  const { 'metrics-bind-address': metricsAddress, 'healthz-bind-address': healthAddress } = flags;
  if (metricsAddress === '' && healthAddress === '') return undefined;
  const { startObservability } = await import('../telemetry/observability.ts');
  const { status, log } = subject;
  // Nobody else sees the samples.
  const liveConnections = metricsAddress === '' ? undefined : await startConnectionSampling(flags, subject);
  const readConnections = connectionsOf(subject);
  return startObservability({ metricsAddress, healthAddress, status, log, readConnections, liveConnections });
}

/** Only nft counts connections: in the iptables backends, a rule's counters start again with each change. */
function connectionsOf({ backend, stop }: Subject) {
  if (backend !== 'nft') return undefined;
  const counters = createConnectionCounters({ runner: systemRunner });
  return () => counters.read(stop);
}
