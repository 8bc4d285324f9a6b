import { endianness } from 'node:os';
import { type Cidr, formatAddress, parseCidr } from '../net/cidr.ts';
import { addressBits, type Family } from '../net/family.ts';

/** A route by which packets leave, or reach what is connected to the node. */
export interface Route {
  readonly cidr: Cidr;
  readonly device: string;
  readonly hasGateway: boolean;
}

/** RTF_ flags of <linux/route.h> and <linux/ipv6_route.h>. */
const flag = {
  up: 0x1,
  gateway: 0x2,
  reject: 0x200,
  anycast: 0x10_0000,
  cache: 0x100_0000,
  local: 0x8000_0000,
} as const;

/** What has one of these is no way to anybody else. `>>> 0`: bitwise operators of JavaScript count in signed 32 bits. */
const nowhere = (flag.reject | flag.anycast | flag.cache | flag.local) >>> 0;

/** Each address is printed as the number that its bytes are in the memory of this machine. */
type ByteOrder = ReturnType<typeof endianness>;

/** Which devices the routes wanted lead to: with those to others, most of a long table need not be read. */
export type IsWanted = (device: string) => boolean;

/** The routes in the text of /proc/net/route (proc_pid_net(5)), all of the main table. Other lines are skipped. */
export function parseIPv4Routes(text: string, isWanted: IsWanted, order: ByteOrder = endianness()): Route[] {
  return fieldsOfLines(text).flatMap(([device = '', destination = '', , flags = '', , , , mask = '']) => {
    if (!isWanted(device)) return [];
    const [network, netmask] = [destination, mask].map((hex) => numberOf(hex, 'ipv4', order));
    return network === undefined || netmask === undefined
      ? []
      : routeOf('ipv4', device, network, prefixOf(netmask), flags);
  });
}

/**
 * The routes in the text of /proc/net/ipv6_route, of every table: destination, its prefix length, source, its prefix
 * length, next hop, metric, two counters, flags and device, the numbers in hexadecimal. Other lines are skipped.
 */
export function parseIPv6Routes(text: string, isWanted: IsWanted): Route[] {
  return fieldsOfLines(text).flatMap(([destination = '', prefix = '', , , , , , , flags = '', device = '']) => {
    if (!isWanted(device)) return [];
    const network = numberOf(destination, 'ipv6', 'BE');
    return network === undefined ? [] : routeOf('ipv6', device, network, Number.parseInt(prefix, 16), flags);
  });
}

function routeOf(family: Family, device: string, network: bigint, prefix: number, flags: string): Route[] {
  const set = Number.parseInt(flags, 16);
  const isWay = (set & flag.up) !== 0 && (set & nowhere) === 0;
  // Damaged lengths and masks with gaps make no CIDR.
  const cidr = parseCidr(`${formatAddress(family, network)}/${prefix}`);
  return !isWay || !cidr ? [] : [{ cidr, device, hasGateway: (set & flag.gateway) !== 0 }];
}

/** The lines that are there to their ends. */
function fieldsOfLines(text: string): string[][] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => line.trim().split(/\s+/));
}

function numberOf(hex: string, family: Family, order: ByteOrder): bigint | undefined {
  if (!/^[0-9a-f]+$/i.test(hex) || hex.length !== addressBits[family] / 4) return undefined;
  const bytes = Buffer.from(hex, 'hex');
  return BigInt(`0x${(order === 'LE' ? bytes.reverse() : bytes).toString('hex')}`);
}

/** The length of a netmask. */
function prefixOf(netmask: bigint): number {
  return netmask.toString(2).replaceAll('0', '').length;
}
