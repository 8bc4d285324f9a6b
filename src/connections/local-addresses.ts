import { readFile } from 'node:fs/promises';
import { AgentError } from '../errors.ts';
import { type Address, parseAddress } from '../net/address.ts';
import { addressBits } from '../net/family.ts';
import { anyHost, type Host } from '../policy/host.ts';

/** A network whose every address is the node's own. */
interface LocalNetwork {
  readonly address: Address;
  readonly prefix: number;
}

/**
 * The addresses that the kernel takes for the node's own, as its rules do (`fib daddr type local`): those of interfaces
 * that are down too, and whole networks with a local route. Throws AgentError where the kernel does not show its routes.
 */
export async function readLocalAddresses(): Promise<Host> {
  const [ipv4, ipv6] = await Promise.all([read('fib_trie'), read('ipv6_route')]);
  return hostWith([...localNetworksOfTrie(ipv4), ...localNetworksOfRoutes(ipv6)]);
}

/** Under self: a systemd unit with ProcSubset=pid hides /proc/net. Without IPv6 in the kernel there is no ipv6_route. */
async function read(name: string): Promise<string> {
  try {
    return await readFile(`/proc/self/net/${name}`, 'latin1');
  } catch (cause) {
    if (name === 'ipv6_route' && cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return '';
    throw new AgentError('NO_PERMISSION', `the addresses of this node can't be read from /proc/self/net/${name}`, {
      cause,
    });
  }
}

/** The host whose own addresses these are: a node may have thousands (kube-proxy's IPVS), and every connection asks. */
export function hostWith(networks: readonly LocalNetwork[]): Host {
  const isWhole = ({ address, prefix }: LocalNetwork): boolean => prefix < addressBits[address.family];
  const addresses = { ipv4: new Set<bigint>(), ipv6: new Set<bigint>() };
  for (const network of networks) if (!isWhole(network)) addresses[network.address.family].add(network.address.value);
  const whole = networks.filter(isWhole).map(({ address: { family, value }, prefix }) => {
    const hostBits = BigInt(addressBits[family] - prefix);
    return { family, network: value >> hostBits, hostBits };
  });
  return {
    isLocal: (address) =>
      addresses[address.family].has(address.value) ||
      anyHost.isLocal(address) ||
      whole.some(({ family, network, hostBits }) => family === address.family && address.value >> hostBits === network),
  };
}

/** /proc/net/fib_trie (fib_trie_seq_show in the kernel): a line `|-- ADDRESS`, below it one for each route to it. */
export function localNetworksOfTrie(text: string): readonly LocalNetwork[] {
  const networks: LocalNetwork[] = [];
  let leaf: Address | undefined;
  for (const line of text.split('\n')) {
    const address = /^ *\|-- (\S+)$/.exec(line)?.[1];
    if (address !== undefined) leaf = parseAddress(address);
    const prefix = /^ *\/(\d+) \S+ LOCAL\b/.exec(line)?.[1];
    if (leaf && prefix !== undefined) networks.push({ address: leaf, prefix: Number(prefix) });
  }
  return networks;
}

const rtfLocal = 0x8000_0000;

/** /proc/net/ipv6_route (ipv6_route_seq_show): destination, prefix, source, …; the flags stand ninth. All in hex. */
export function localNetworksOfRoutes(text: string): readonly LocalNetwork[] {
  return text.split('\n').flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const [address = '', prefix = ''] = fields;
    const flags = Number(`0x${fields[8]}`);
    if (!/^[\da-f]{32}$/.test(address) || !(flags & rtfLocal)) return [];
    return [{ address: { family: 'ipv6' as const, value: BigInt(`0x${address}`) }, prefix: Number(`0x${prefix}`) }];
  });
}
