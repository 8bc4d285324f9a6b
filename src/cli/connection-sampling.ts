import type { BackendName } from '../backends/backend.ts';
import type { DeletedConnections } from '../connections/deleted-connections.ts';
import type { AgentState } from '../telemetry/agent-state.ts';
import type { ConnectionMetricsSources } from '../telemetry/connection-metrics.ts';
import type { Log } from '../telemetry/log.ts';
import type { Flags } from './flags.ts';

/** The agent whose connections are to be sampled. */
interface Subject {
  readonly backend: BackendName;
  readonly status: () => AgentState;
  readonly log: Log;
  readonly stop: AbortSignal;
}

/**
 * Starts to sample the live connections, unless that is switched off, and gives what the metrics are made of. `deleted`:
 * what the agent itself has deleted, so that what comes back as it was counts as another program's.
 */
export async function startConnectionSampling(
  flags: Flags,
  subject: Subject,
  deleted?: DeletedConnections,
): Promise<ConnectionMetricsSources> {
  const { readTableStatistics } = await import('../connections/statistics.ts');
  if (!flags['connection-sampling']) return { sample: () => undefined, readStatistics: readTableStatistics };
  const { ConnectionSampler } = await import('../connections/sampler.ts');
  const { cpuTimeMs } = await import('../connections/cpu-time.ts');
  const sampler = new ConnectionSampler({
    look: () => look(flags, subject, deleted),
    cpuTimeMs,
    onFailure: ({ message, advice }) => subject.log.warn(`live connections are not sampled: ${message}. ${advice}`),
    stop: subject.stop,
  });
  void sampler.run();
  return { sample: () => sampler.last, readStatistics: readTableStatistics };
}

/** The connections beside the policy that the kernel was last known to hold. */
async function look(flags: Flags, { backend, status, stop }: Subject, deleted?: DeletedConnections) {
  const { policy } = status();
  if (!policy) return undefined;
  const [{ inspectConnections }, { readLocalAddresses }, { readNatHooks }, { systemRunner, systemStreamer }] =
    await Promise.all([
      import('../connections/inspect.ts'),
      import('../connections/local-addresses.ts'),
      import('../backends/foreign/nat-hooks.ts'),
      import('../system/run.ts'),
    ]);
  const { report } = await inspectConnections({
    policy,
    streamer: systemStreamer,
    readHost: readLocalAddresses,
    readNatHooks: (families) =>
      readNatHooks({ own: backend, chain: flags['masq-chain'], families, runner: systemRunner, signal: stop }),
    portBudget: flags['snat-port-budget'],
    deleted,
    signal: stop,
  });
  return report;
}
