import { AgentError } from '../errors.ts';
import type { Backend, BackendName, Probe } from './backend.ts';
import type { KubeletHint } from './iptables/kubelet-hint.ts';

/** What is known of a host. A backend without a probe was not asked, because nothing depended on it. */
export interface HostFacts {
  readonly probes: Readonly<Partial<Record<BackendName, Probe>>>;
  readonly kubeletHint: KubeletHint | undefined;
}

/** The backend for a host and why, or why each that might have been is not. */
export type Choice =
  | { readonly backend: BackendName; readonly reason: string }
  | { readonly backend: undefined; readonly reasons: readonly string[] };

/**
 * Chooses as `--backend` says. `auto`: nft if it works; else the iptables flavour that the kubelet uses, if that works;
 * else the nft flavour; else legacy. A backend that the user names is never exchanged for another.
 */
export function chooseBackend(requested: 'auto' | BackendName, { probes, kubeletHint }: HostFacts): Choice {
  if (requested !== 'auto') return firstUsable([[requested, `--backend=${requested}`]], probes);
  const hinted: BackendName | undefined = kubeletHint && `iptables-${kubeletHint.flavour}`;
  const hint = kubeletHint && `the kubelet keeps its rules there (${describeHint(kubeletHint)})`;
  const order: readonly BackendName[] = hinted === 'iptables-legacy' ? legacyFirst : nftFirst;
  const why = (backend: BackendName): string | undefined => (backend === hinted ? hint : undefined);
  return firstUsable(
    order.map((backend) => [backend, why(backend)]),
    probes,
  );
}

const nftFirst = ['nft', 'iptables-nft', 'iptables-legacy'] as const;
const legacyFirst = ['nft', 'iptables-legacy', 'iptables-nft'] as const;

/** The first candidate that works; the reason tells what spoke for it, and what spoke against those before it. */
function firstUsable(
  candidates: readonly (readonly [BackendName, why: string | undefined])[],
  probes: HostFacts['probes'],
): Choice {
  const failures: string[] = [];
  for (const [backend, why] of candidates) {
    const { usable, reason } = probes[backend] ?? { usable: false, reason: 'not looked at' };
    if (usable) return { backend, reason: [...(why ? [why] : []), reason, ...failures].join('; ') };
    failures.push(`${backend} does not work here: ${reason}`);
  }
  return { backend: undefined, reasons: failures };
}

function describeHint({ chain, family }: KubeletHint): string {
  return `${family} chain ${chain}`;
}

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
