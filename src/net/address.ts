import type { Family } from './family.ts';

/** One IP address as an unsigned integer of 32 or 128 bits. */
export interface Address {
  readonly family: Family;
  readonly value: bigint;
}

/** The longest form is that of an IPv6 address with a dotted tail. */
const longestAddress = 'ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255'.length;

/** Reads an address as Go's netip.ParseAddr does, without zones; undefined where the text is none. */
export function parseAddress(text: string): Address | undefined {
  if (text.length > longestAddress) return undefined;
  const family = text.includes(':') ? 'ipv6' : 'ipv4';
  const value = family === 'ipv6' ? parseIPv6(text) : parseIPv4(text);
  return value === undefined ? undefined : { family, value: BigInt(value) };
}

/** Canonical text: dotted decimal, or RFC 5952 (with its dotted tail for IPv4-mapped addresses only, as Go prints them). */
export function formatAddress(family: Family, value: bigint): string {
  return family === 'ipv4' ? formatIPv4(Number(value)) : formatIPv6(value);
}

/** Four decimal fields without leading zeros; by hand, since a long list of CIDRs spends most of its time here. */
function parseIPv4(text: string): number | undefined {
  let value = 0;
  let field = 0;
  let digits = 0;
  let dots = 0;
  for (let index = 0; index < text.length; index += 1) {
    const digit = text.charCodeAt(index) - 0x30;
    if (digit === -2 && digits > 0) {
      value = value * 256 + field;
      field = 0;
      digits = 0;
      dots += 1;
    } else {
      field = field * 10 + digit;
      digits += 1;
      if (digit < 0 || digit > 9 || field > 255 || (digits > 1 && field < 10)) return undefined;
    }
  }
  return dots === 3 && digits > 0 ? value * 256 + field : undefined;
}

function formatIPv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

function parseIPv6(text: string): bigint | undefined {
  const dotted = /^(.*:)([0-9.]*\.[0-9.]*)$/.exec(text);
  if (dotted !== null) {
    const [, head = '', tail = ''] = dotted;
    const value = parseIPv4(tail);
    return value === undefined ? undefined : parseIPv6(`${head}${hex(value >>> 16)}:${hex(value & 0xffff)}`);
  }
  const [left = '', right, ...more] = text.split('::');
  const head = groupsOf(left);
  const tail = right === undefined ? [] : groupsOf(right);
  if (more.length > 0 || head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (right === undefined ? missing !== 0 : missing < 1) return undefined;
  return BigInt(`0x${[...head, ...new Array<string>(missing).fill('0000'), ...tail].join('')}`);
}

function groupsOf(text: string): readonly string[] | undefined {
  if (text === '') return [];
  const groups = text.split(':');
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))
    ? groups.map((group) => group.padStart(4, '0'))
    : undefined;
}

function formatIPv6(value: bigint): string {
  if (value >> 32n === 0xffffn) return `::ffff:${formatIPv4(Number(value & 0xffff_ffffn))}`;
  const groups = Array.from({ length: 8 }, (_, index) => Number((value >> BigInt(112 - 16 * index)) & 0xffffn));
  const run = longestZeroRun(groups);
  if (run.length < 2) return groups.map(hex).join(':');
  const head = groups.slice(0, run.start).map(hex).join(':');
  const tail = groups
    .slice(run.start + run.length)
    .map(hex)
    .join(':');
  return `${head}::${tail}`;
}

/** The first of the longest runs of zero groups: RFC 5952, section 4.2.3. */
function longestZeroRun(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let longest = { start: 0, length: 0 };
  let length = 0;
  for (const [index, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0;
    if (length > longest.length) longest = { start: index - length + 1, length };
  }
  return longest;
}

function hex(group: number): string {
  return group.toString(16);
}
