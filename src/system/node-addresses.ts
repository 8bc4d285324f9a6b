import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { parseAddress } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import type { NodeAddress } from '../net/node-address.ts';

/** Flags of linux/if_addr.h, as /proc/net/if_inet6 shows them. */
const temporary = 0x01;
const unusable = 0x20 | 0x40 | 0x08;

/**
 * The addresses of the interfaces that are up, as Node lists them, in the order of the kernel: for where the kernel can't
 * be asked itself. Which of several IPv4 addresses of one network is secondary is not told: of those the first is taken
 * for the primary one, as the kernel lists it first.
 */
export async function listNodeAddresses(): Promise<readonly NodeAddress[]> {
  const flags = flagsOfIPv6(await readFile('/proc/self/net/if_inet6', 'latin1').catch(() => ''));
  const networks = new Set<string>();
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses.flatMap(({ address, cidr, internal }) => {
      const parsed = parseAddress(address);
      if (!parsed) return [];
      const { family, value } = parsed;
      const prefix = Number(cidr?.split('/')[1] ?? (family === 'ipv4' ? 32 : 128));
      const bits = flags.get(value) ?? 0;
      const network = `${name} ${family} ${prefix} ${value >> BigInt((family === 'ipv4' ? 32 : 128) - prefix)}`;
      const isSecondary = family === 'ipv4' && networks.has(network);
      networks.add(network);
      return [
        {
          family,
          value,
          prefix,
          interface: name,
          isGlobal: isGlobal(family, value),
          isUnusable: family === 'ipv6' && (bits & unusable) !== 0,
          isTemporary: family === 'ipv6' && (bits & temporary) !== 0,
          isSecondary,
          isLoopback: internal,
        },
      ];
    }),
  );
}

/** Neither of the host (127.0.0.0/8, ::1) nor of a link (169.254.0.0/16, fe80::/10). */
function isGlobal(family: Family, value: bigint): boolean {
  if (family === 'ipv4') return value >> 24n !== 127n && value >> 16n !== 0xa9fen;
  return value !== 1n && value >> 118n !== 0x3fan;
}

/** Lines of /proc/net/if_inet6: address, interface number, prefix, scope and flags in hexadecimal, then the name. */
export function flagsOfIPv6(text: string): ReadonlyMap<bigint, number> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const [address = '', , , , flags = ''] = line.trim().split(/\s+/);
      return /^[\da-f]{32}$/.test(address) ? [[BigInt(`0x${address}`), Number(`0x${flags}`)] as const] : [];
    }),
  );
}
