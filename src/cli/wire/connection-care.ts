import { isDeepStrictEqual } from 'node:util';
import type { ReportEvent } from '../../agent/events.ts';
import type { BackendName } from '../../backends/backend.ts';
import { type Config, effectiveConfigJson } from '../../config/config.ts';
import { cpuTimeMs } from '../../connections/cpu-time.ts';
import { DeletedConnections } from '../../connections/deleted-connections.ts';
import { RejudgeOnChange } from '../../connections/rejudge-on-change.ts';
import { ConnectionSampler } from '../../connections/sampler.ts';
import { asAgentError } from '../../errors.ts';
import type { Policy } from '../../policy/policy.ts';
import type { AgentState, Observer } from '../../telemetry/agent-state.ts';
import type { Flags } from '../flags.ts';

/** The agent whose connections are looked after. */
interface Subject {
  readonly backend: BackendName;
  readonly state: () => AgentState;
  readonly report: ReportEvent;
  readonly stop: AbortSignal;
}

/** What a running agent does about live connections. What that takes is loaded when it is wanted. */
export interface ConnectionCare {
  /** Acts on the config key rejudgeConnections. */
  readonly observe: Observer;
  /** Begins to sample the connections, for whoever looks at metrics or at `status`, unless that is switched off. */
  startSampling(): void;
  /** Resolves when no deletion is under way any more. */
  settled(): Promise<void>;
}

/** The care that the flags ask for. */
export function connectionCareOf(flags: Flags, { backend, state, report, stop }: Subject): ConnectionCare {
  // For the samples, too: what was deleted and has come back as it was is another program's.
  const deleted = new DeletedConnections();
  const inspect = async (policy: Policy) => {
    const connections = await import('./connections.ts');
    const unknownNames = state().names.flatMap(({ name, isAnswered }) => (isAnswered ? [] : [name]));
    const options = { ...connections.inspectionOf(flags, policy, backend, stop), deleted, unknownNames };
    return { ...connections, options };
  };
  const onChange = new RejudgeOnChange({
    async rejudge(mode, previous, policy) {
      const { options, rejudge } = await inspect(policy);
      deleted.clear();
      return rejudge({ ...options, mode, previous });
    },
    onDone: (mode, { report: { deleted: count }, remarks }) =>
      report({ type: 'rejudged', mode, deleted: count, remarks }),
    onFailure: (cause) => {
      if (!stop.aborted) report({ type: 'rejudge-failed', error: asAgentError(cause) });
    },
  });
  const sampler = new ConnectionSampler({
    async look() {
      const { policy } = state();
      if (!policy) return undefined;
      const { options, inspectConnections } = await inspect(policy);
      return (await inspectConnections(options)).report;
    },
    cpuTimeMs,
    onSample: (sample) => report({ type: 'connections-sampled', ...sample }),
    onFailure: (error) => report({ type: 'sampling-failed', error }),
    stop,
  });
  return {
    observe(event, _, before) {
      if (event.type === 'config-accepted' && !isSameText(before.config?.reading.config, event.reading.config)) {
        onChange.configAccepted(event.reading.config.rejudgeConnections.value);
      }
      if (event.type === 'applied' || event.type === 'in-sync') onChange.policyInPlace(before.policy, event.policy);
    },
    startSampling() {
      const { 'metrics-bind-address': metrics, 'healthz-bind-address': health } = flags;
      if (flags['connection-sampling'] && `${metrics}${health}` !== '') void sampler.run();
    },
    settled: () => onChange.settled(),
  };
}

/** A config is accepted anew where nothing but the addresses of the node have changed, too. */
function isSameText(before: Config | undefined, after: Config): boolean {
  return before !== undefined && isDeepStrictEqual(effectiveConfigJson(before), effectiveConfigJson(after));
}
