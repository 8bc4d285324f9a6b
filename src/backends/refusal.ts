import { AgentError, codeOf } from '../errors.ts';
import type { Backend, Probe } from './backend.ts';

/** What is added where the kernel refuses what NET_ADMIN allows. */
const suspicion = 'though this process has NET_ADMIN: a filter in the kernel may be refusing it';

/**
 * A backend that tells a refusal by a filter (a BPF program, as AKS has one) from the lack of a capability: both are
 * EPERM, but more privileges mend only one of them. `hasNetAdmin` is asked when something was refused.
 */
export function explainingRefusals(backend: Backend, hasNetAdmin: () => Promise<boolean>): Backend {
  const explain = async <T>(task: Promise<T>): Promise<T> => {
    try {
      return await task;
    } catch (error) {
      if (codeOf(error) !== 'NO_PERMISSION' || !(await hasNetAdmin())) throw error;
      const message = error instanceof Error ? error.message : String(error);
      throw new AgentError('CHANGE_REFUSED', `${message}, ${suspicion}`, { cause: error });
    }
  };
  return {
    ...backend,
    async probe(signal): Promise<Probe> {
      const probe = await backend.probe(signal);
      const isRefused = !probe.usable && /not permitted|Permission denied/.test(probe.reason);
      return isRefused && (await hasNetAdmin()) ? { ...probe, reason: `${probe.reason}, ${suspicion}` } : probe;
    },
    apply: (policy, signal, observed) => explain(backend.apply(policy, signal, observed)),
    observe: (policy, signal) => explain(backend.observe(policy, signal)),
    cleanup: (signal) => explain(backend.cleanup(signal)),
  };
}
