import type { Backend, BackendName } from '../../backends/backend.ts';
import type { StartChangeWatch } from '../../backends/change-watch.ts';
import type { ForeignRules } from '../../backends/foreign/foreign-masquerade.ts';
import type { HeldDestinations } from '../../backends/held-destinations.ts';
import { createIptablesBackend } from '../../backends/iptables/backend.ts';
import { readHeldDestinations as readIptablesDestinations } from '../../backends/iptables/held.ts';
import { findKubeletHint } from '../../backends/iptables/kubelet-hint.ts';
import { readLegacyTables } from '../../backends/iptables/nat-table.ts';
import { findLeftovers, type Leftovers, removeLeftovers } from '../../backends/leftovers.ts';
import { createNftBackend } from '../../backends/nft/backend.ts';
import { readHeldDestinations as readNftDestinations } from '../../backends/nft/held.ts';
import { explainingRefusals } from '../../backends/refusal.ts';
import { chooseBackend, gatherHostFacts } from '../../backends/select.ts';
import { OwnTransactions } from '../../backends/watch/own-transactions.ts';
import { changeWatchFor } from '../../backends/watch/start-watch.ts';
import { AgentError } from '../../errors.ts';
import type { Policy } from '../../policy/policy.ts';
import { openNetlink } from '../../system/netlink.ts';
import { hasNetAdmin } from '../../system/processes.ts';
import { createRunner } from '../../system/run.ts';
import type { Flags } from '../flags.ts';

/** One agent runs in a process: whatever its children write is its own. */
const ownTransactions = new OwnTransactions();
const runner = createRunner(ownTransactions);

/** The backends as the flags set them up, the first choice first. */
export function allBackends(flags: Flags): Readonly<Record<BackendName, Backend>> {
  const chain = flags['masq-chain'];
  return {
    nft: explainingRefusals(createNftBackend({ runner }), hasNetAdmin),
    'iptables-nft': explainingRefusals(createIptablesBackend({ flavour: 'nft', chain, runner }), hasNetAdmin),
    'iptables-legacy': explainingRefusals(createIptablesBackend({ flavour: 'legacy', chain, runner }), hasNetAdmin),
  };
}

/** The backend for this host, and why it is that. Throws NO_BACKEND with a reason for each that does not work. */
export async function selectBackend(
  flags: Flags,
  signal: AbortSignal,
): Promise<{ readonly backend: Backend; readonly reason: string }> {
  const backends = allBackends(flags);
  const probes = { backends, findKubeletHint: (stop?: AbortSignal) => findKubeletHint(runner, readLegacyTables, stop) };
  const choice = chooseBackend(flags.backend, await gatherHostFacts(flags.backend, probes, signal));
  if (choice.backend) return { backend: backends[choice.backend], reason: choice.reason };
  throw new AgentError('NO_BACKEND', `no backend works on this host: ${choice.reasons.join('; ')}`);
}

/** Notices changes of the kernel's rules where there is a way to. */
export function changeWatchOf(flags: Flags, backend: Backend): StartChangeWatch | undefined {
  return changeWatchFor({
    backend: backend.name,
    chain: flags['masq-chain'],
    runner,
    openNetlink,
    own: ownTransactions,
  });
}

/**
 * Beside 5,000 services of kube-proxy, nft 1.0.6 takes 0.7 s and 22 MB for one of its chains, and nothing to speak of
 * for those of other tables. `status` reads them all.
 */
const mostChainsInTable = 1_000;

/** Finds other programs' rules that masquerade what a policy keeps, at a cost that the running agent may have. */
export function foreignSearchOf(flags: Flags): (policy: Policy, signal: AbortSignal) => Promise<ForeignRules> {
  return async (policy, signal) => {
    const { findForeignMasquerade } = await import('../../backends/foreign/foreign-masquerade.ts');
    return findForeignMasquerade({ policy, chain: flags['masq-chain'], runner, mostChainsInTable }, signal);
  };
}

/** Finds what agents left in the backends that are not the active one. */
export function leftoverSearchOf(flags: Flags, active: Backend): (signal: AbortSignal) => Promise<Leftovers> {
  const { nft } = allBackends(flags);
  return (signal) => findLeftovers({ active: active.name, chain: flags['masq-chain'], runner, nft }, signal);
}

/** Removes what agents left in the backends that are not the active one. */
export function leftoverRemovalOf(flags: Flags, active: Backend): (signal: AbortSignal) => Promise<Leftovers> {
  const { nft } = allBackends(flags);
  return (signal) => removeLeftovers({ active: active.name, chain: flags['masq-chain'], runner, nft }, signal);
}

/** Reads what the lists in which names may stand have in the kernel. */
export function heldDestinationsOf(flags: Flags, { name }: Backend): () => Promise<readonly HeldDestinations[]> {
  if (name === 'nft') return () => readNftDestinations(runner);
  const flavour = name === 'iptables-nft' ? 'nft' : 'legacy';
  return () => readIptablesDestinations({ flavour, chain: flags['masq-chain'], runner });
}

/** The backend that the flags name; `auto`, where no host is looked at, stands for nft. */
export function namedBackend(flags: Flags): Backend {
  return allBackends(flags)[flags.backend === 'auto' ? 'nft' : flags.backend];
}
