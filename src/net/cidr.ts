import { type Address, formatAddress, parseAddress } from './address.ts';
import { addressBits, type Family } from './family.ts';
import { type AddressRange, bitLength, coveringNetworks, type IpSet, ipSet, type Network } from './ip-set.ts';

export { type Address, formatAddress, parseAddress } from './address.ts';
export type { AddressRange } from './ip-set.ts';

/** A network in CIDR notation, host bits zero. */
export interface Cidr {
  readonly family: Family;
  /** First address of the network as an unsigned integer of 32 or 128 bits. */
  readonly network: bigint;
  readonly prefix: number;
  /** Canonical text: dotted decimal, or RFC 5952, then `/prefix`. */
  readonly text: string;
}

/**
 * Reads a CIDR as Go's net.ParseCIDR does, and refuses three more things: host bits that are not zero (as upstream's
 * validateCIDR does), IPv4-mapped IPv6 networks, and prefixes that Go and iptables read differently.
 * Undefined where the text is none; `cidrFault` then tells why.
 */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/');
  const address = slash < 0 ? undefined : parseAddress(text.slice(0, slash));
  if (address === undefined) return undefined;
  const prefix = parsePrefix(text.slice(slash + 1), address.family);
  if (prefix === undefined || isIPv4Mapped(address) || hostBits(address, prefix) !== 0n) return undefined;
  return cidrOf({ network: address.value, prefix }, address.family);
}

/** Says why `parseCidr` refuses a text, and what would be valid in its place. */
export function cidrFault(text: string): { readonly message: string; readonly expected: string } {
  const example = 'a network such as 10.0.0.0/8 or fd00::/8';
  const trimmed = text.trim();
  if (trimmed !== text && parseCidr(trimmed) !== undefined) {
    return { message: 'spaces around a CIDR', expected: `${trimmed} without spaces` };
  }
  const slash = text.indexOf('/');
  const addressText = slash < 0 ? text : text.slice(0, slash);
  const address = parseAddress(addressText);
  if (address === undefined) return { message: addressFault(addressText), expected: example };
  const bits = addressBits[address.family];
  if (slash < 0) return { message: 'the prefix length is missing', expected: `${addressText}/${bits} for one address` };
  const prefixText = text.slice(slash + 1);
  const prefix = parsePrefix(prefixText, address.family);
  if (prefix === undefined) {
    return /^0\d+$/.test(prefixText)
      ? { message: 'iptables reads a prefix length with a leading zero as octal', expected: 'no leading zero' }
      : { message: 'the prefix length is not valid', expected: `a number from 0 to ${bits} after the slash` };
  }
  if (isIPv4Mapped(address)) {
    return { message: 'an IPv4-mapped IPv6 network never matches a packet', expected: 'the IPv4 network itself' };
  }
  const network = cidrOf({ network: address.value - hostBits(address, prefix), prefix }, address.family);
  return {
    message: 'the address has bits beyond its prefix',
    expected: `${network.text} for the network, or ${formatAddress(address.family, address.value)}/${bits} for one address`,
  };
}

/** The last address of a network. */
export function lastAddress(cidr: Cidr): bigint {
  return cidr.network + hostMask(cidr.family, cidr.prefix);
}

/** Whether the network contains the address; false across families. */
export function containsAddress(cidr: Cidr, address: Address): boolean {
  return cidr.family === address.family && address.value >= cidr.network && address.value <= lastAddress(cidr);
}

/** The addresses of `cidrs`, all of one family. */
export function mergeCidrs(cidrs: readonly Cidr[]): IpSet {
  return ipSet(cidrs.map(rangeOf));
}

/** The addresses of one network. */
export function rangeOf(cidr: Cidr): AddressRange {
  return { first: cidr.network, last: lastAddress(cidr) };
}

/** The fewest CIDRs that hold exactly the addresses of a set, in ascending order. */
export function coveringCidrs(set: IpSet, family: Family): Cidr[] {
  return coveringNetworks(set, family).map((network) => cidrOf(network, family));
}

/** The smallest network that holds every address of a set; the whole family for an empty one. */
export function enclosingCidr(set: IpSet, family: Family): Cidr {
  const first = set[0]?.first ?? 0n;
  const last = set.at(-1)?.last ?? hostMask(family, 0);
  const prefix = addressBits[family] - bitLength(first ^ last);
  return cidrOf({ network: first - hostBits({ family, value: first }, prefix), prefix }, family);
}

/** A network, with its canonical text. */
export function cidrOf({ network, prefix }: Network, family: Family): Cidr {
  return { family, network, prefix, text: `${formatAddress(family, network)}/${prefix}` };
}

/**
 * Go takes any number of leading zeros as decimal, iptables (strtoul with base 0) takes them as octal.
 * Up to 7 both mean the same; beyond, upstream's rules fail (`/08`) or match another network (`/010`).
 */
function parsePrefix(text: string, family: Family): number | undefined {
  if (!/^(?:0*[0-7]|[1-9][0-9]{1,2})$|^[89]$/.test(text)) return undefined;
  const prefix = Number(text);
  return prefix <= addressBits[family] ? prefix : undefined;
}

/** The bits of an address beyond a prefix, all set. */
function hostMask(family: Family, prefix: number): bigint {
  return lowBits[addressBits[family] - prefix] ?? 0n;
}

/** So many low bits, all set: made once, since a config may ask a million times. */
const lowBits: readonly bigint[] = Array.from({ length: addressBits.ipv6 + 1 }, (_, bits) => (1n << BigInt(bits)) - 1n);

function hostBits(address: Address, prefix: number): bigint {
  return address.value & hostMask(address.family, prefix);
}

/** `::ffff:0:0/96` (RFC 4291, section 2.5.5.2): Go takes such a network for IPv4, and no rule can be made of it. */
function isIPv4Mapped(address: Address): boolean {
  return address.family === 'ipv6' && address.value >> 32n === 0xffffn;
}

function addressFault(text: string): string {
  if (text === '') return 'the address is missing';
  if (text.includes('%')) return 'a CIDR has no zone';
  if (/^[0-9.]+$/.test(text)) return 'not an IPv4 address: four numbers from 0 to 255 without leading zeros';
  if (text.includes(':')) return 'not an IPv6 address';
  return 'not an IP address';
}
