import type { NetworkInterfaceInfo } from 'node:os';
import { type Address, parseAddress } from '../net/address.ts';
import { addressBits } from '../net/family.ts';

/** What is known of the host's own addresses: the kernel's `fib daddr type local`, and iptables' `--dst-type LOCAL`. */
export interface Host {
  isLocal(address: Address): boolean;
}

const ipv4Loopback = 127n;
const ipv6Loopback = 1n;

/** Any host: nothing is known but that 127.0.0.0/8 and ::1 are its own. */
export const anyHost: Host = {
  isLocal: ({ family, value }) => (family === 'ipv4' ? value >> 24n === ipv4Loopback : value === ipv6Loopback),
};

/**
 * The host with these interfaces, as os.networkInterfaces() lists them. On a loopback interface every address of an
 * IPv4 network is local (ip-address(8) makes a local route for the whole prefix), else only the address itself.
 */
export function hostOf(interfaces: readonly Pick<NetworkInterfaceInfo, 'address' | 'cidr' | 'internal'>[]): Host {
  const locals = interfaces.flatMap(({ address, cidr, internal }) => {
    const own = parseAddress(address);
    if (!own) return [];
    const bits = addressBits[own.family];
    const prefix = internal && own.family === 'ipv4' && cidr ? Number(cidr.slice(cidr.indexOf('/') + 1)) : bits;
    const hostBits = BigInt(bits - prefix);
    return [{ family: own.family, network: own.value >> hostBits, hostBits }];
  });
  return {
    isLocal: (address) =>
      anyHost.isLocal(address) ||
      locals.some(
        ({ family, network, hostBits }) => family === address.family && address.value >> hostBits === network,
      ),
  };
}
