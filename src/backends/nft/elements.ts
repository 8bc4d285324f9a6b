import { type AddressRange, type Cidr, formatAddress, mergeCidrs } from '../../net/cidr.ts';
import { addressBits, type Family } from '../../net/family.ts';

/**
 * The elements of an interval set that holds exactly the addresses of the given CIDRs: overlapping and adjacent ones
 * merged (the kernel refuses overlaps), sorted, each in the form in which nft lists it: a bare address, a prefix, or a
 * range where no prefix fits.
 */
export function setElements(family: Family, cidrs: readonly Cidr[]): string[] {
  return mergeCidrs(cidrs).map((range) => formatElement(family, range));
}

function formatElement(family: Family, { first, last }: AddressRange): string {
  const size = last - first + 1n;
  if (size === 1n) return formatNftAddress(family, first);
  const isPrefix = (size & (size - 1n)) === 0n && first % size === 0n;
  if (!isPrefix) return `${formatNftAddress(family, first)}-${formatNftAddress(family, last)}`;
  const hostBits = size.toString(2).length - 1;
  return `${formatNftAddress(family, first)}/${addressBits[family] - hostBits}`;
}

const ipv4Bits = BigInt(addressBits.ipv4);
const mappedPrefix = 0xffffn;

/** nft prints through inet_ntop(3), which writes the last 32 bits dotted where the first 96 say that an IPv4 address is embedded. */
export function formatNftAddress(family: Family, value: bigint): string {
  const prefix = value >> ipv4Bits;
  const isMapped = prefix === mappedPrefix;
  const isCompatible = prefix === 0n && value > 0xffffn;
  if (family === 'ipv4' || !(isMapped || isCompatible)) return formatAddress(family, value);
  const embedded = formatAddress('ipv4', BigInt.asUintN(addressBits.ipv4, value));
  return `${isMapped ? '::ffff:' : '::'}${embedded}`;
}
