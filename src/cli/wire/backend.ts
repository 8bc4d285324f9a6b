import type { Backend, BackendName, WatchKernel } from '../../backends/backend.ts';
import { createIptablesBackend } from '../../backends/iptables/backend.ts';
import { findKubeletHint } from '../../backends/iptables/kubelet-hint.ts';
import { readLegacyTables } from '../../backends/iptables/nat-table.ts';
import { type Leftovers, removeLeftovers } from '../../backends/leftovers.ts';
import { createNftBackend } from '../../backends/nft/backend.ts';
import { watchTable } from '../../backends/nft/monitor.ts';
import { OwnWrites } from '../../backends/nft/own-writes.ts';
import { chooseBackend, gatherHostFacts } from '../../backends/select.ts';
import { AgentError } from '../../errors.ts';
import { findNetlinkSocket } from '../../system/netlink-socket.ts';
import { systemFollower, systemRunner } from '../../system/run.ts';
import type { Flags } from '../flags.ts';

const runner = systemRunner;
/** One agent runs in a process: whatever writes here is it. */
const ownWrites = new OwnWrites();

/** The backends as the flags set them up, the first choice first. */
export function allBackends(flags: Flags): Readonly<Record<BackendName, Backend>> {
  const chain = flags['masq-chain'];
  return {
    nft: createNftBackend({ runner, ownWrites }),
    'iptables-nft': createIptablesBackend({ flavour: 'nft', chain, runner }),
    'iptables-legacy': createIptablesBackend({ flavour: 'legacy', chain, runner }),
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

/** Watches the kernel's rules where the backend has a way to. */
export function kernelWatchOf(backend: Backend): WatchKernel | undefined {
  if (backend.name !== 'nft') return undefined;
  const tools = { follower: systemFollower, findSocket: findNetlinkSocket, ownWrites };
  return (events) => watchTable(tools, events);
}

/** Removes what agents left in the backends that are not the active one. */
export function leftoverRemovalOf(flags: Flags, active: Backend): (signal: AbortSignal) => Promise<Leftovers> {
  const { nft } = allBackends(flags);
  return (signal) => removeLeftovers({ active: active.name, chain: flags['masq-chain'], runner, nft }, signal);
}

/** The backend that the flags name; `auto`, where no host is looked at, stands for nft. */
export function namedBackend(flags: Flags): Backend {
  return allBackends(flags)[flags.backend === 'auto' ? 'nft' : flags.backend];
}
