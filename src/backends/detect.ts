import { AgentError } from '../errors.ts';
import type { Backend, BackendName, Probe } from './backend.ts';
import type { HostFacts } from './choose.ts';
import type { KubeletHint } from './iptables/kubelet-hint.ts';

/** What facts are gathered with. */
export interface HostProbes {
  readonly backends: Readonly<Record<BackendName, Pick<Backend, 'probe'>>>;
  readonly findKubeletHint: (signal?: AbortSignal) => Promise<KubeletHint | undefined>;
}

/**
 * Gathers what `chooseBackend` needs to know of this host, by effects and without changing it. Asks no more than the
 * choice depends on: where nft works, no iptables tool is run. Throws AgentError ABORTED only.
 */
export async function gatherHostFacts(
  requested: 'auto' | BackendName,
  { backends, findKubeletHint }: HostProbes,
  signal?: AbortSignal,
): Promise<HostFacts> {
  const wanted: readonly BackendName[] =
    requested === 'auto' ? ['nft', 'iptables-nft', 'iptables-legacy'] : [requested];
  const probes: Partial<Record<BackendName, Probe>> = {};
  for (const name of wanted) {
    probes[name] = await backends[name].probe(signal);
    // A probe takes an order to stop for one more reason why its backend does not work.
    if (signal?.aborted) throw new AgentError('ABORTED', 'stopped while looking for a backend');
    if (name === 'nft' && probes[name].usable) return { probes, kubeletHint: undefined };
  }
  return { probes, kubeletHint: requested === 'auto' ? await findKubeletHint(signal) : undefined };
}
