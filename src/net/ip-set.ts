import { addressBits, type Family } from './family.ts';

/** An inclusive range of addresses of one family. */
export interface AddressRange {
  readonly first: bigint;
  readonly last: bigint;
}

/** Addresses of one family: ranges in ascending order, none empty, none touching another. Equal sets are equal data. */
export type IpSet = readonly AddressRange[];

/** A network: its first address and how many bits it fixes. */
export interface Network {
  readonly network: bigint;
  readonly prefix: number;
}

/** Every address of a family. */
export function everyAddress(family: Family): IpSet {
  return [{ first: 0n, last: (1n << BigInt(addressBits[family])) - 1n }];
}

/** The set of ranges in any order, which may overlap. Takes n log n steps; the other functions here are linear. */
export function ipSet(ranges: readonly AddressRange[]): IpSet {
  return joined(ranges.toSorted((a, b) => compare(a.first, b.first)));
}

/** The addresses that are in either set. */
export function union(one: IpSet, other: IpSet): IpSet {
  if (one.length === 0 || other.length === 0) return one.length === 0 ? other : one;
  const ranges: AddressRange[] = [];
  for (let i = 0, j = 0; i < one.length || j < other.length; ) {
    const a = one[i];
    const b = other[j];
    if (a && (!b || a.first <= b.first)) {
      ranges.push(a);
      i++;
    } else if (b) {
      ranges.push(b);
      j++;
    }
  }
  return joined(ranges);
}

/** The addresses that are in both sets. */
export function intersection(one: IpSet, other: IpSet): IpSet {
  const common: AddressRange[] = [];
  for (let i = 0, j = 0; ; ) {
    const a = one[i];
    const b = other[j];
    if (!a || !b) return common;
    const range = overlap(a, b);
    if (range) common.push(range);
    if (a.last < b.last) i++;
    else j++;
  }
}

/** What two ranges have in common; the first range itself where that is all of it, since a set may have 100,000. */
export function overlap(one: AddressRange, other: AddressRange): AddressRange | undefined {
  const start = one.first >= other.first ? one : other;
  const end = one.last <= other.last ? one : other;
  if (start.first > end.last) return undefined;
  return start === one && end === one ? one : { first: start.first, last: end.last };
}

/** The addresses of `from` that are not in `taken`. */
export function difference(from: IpSet, taken: IpSet, family: Family): IpSet {
  return taken.length === 0 ? from : intersection(from, complement(taken, family));
}

/** The addresses of the family that are not in the set. */
export function complement(set: IpSet, family: Family): IpSet {
  const gaps: AddressRange[] = [];
  let next = 0n;
  for (const { first, last } of set) {
    if (next < first) gaps.push({ first: next, last: first - 1n });
    next = last + 1n;
  }
  for (const { last } of everyAddress(family)) if (next <= last) gaps.push({ first: next, last });
  return gaps;
}

/** How many addresses the set has. */
export function sizeOf(set: IpSet): bigint {
  return set.reduce((sum, { first, last }) => sum + last - first + 1n, 0n);
}

/** Whether the address is in the set; log n steps. */
export function hasAddress(set: IpSet, address: bigint): boolean {
  return meets(set, { first: address, last: address });
}

/** Whether any address of the range is in the set; log n steps. */
export function meets(set: IpSet, { first, last }: AddressRange): boolean {
  let low = 0;
  let high = set.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const range = set[middle];
    if (!range || range.first > last) high = middle;
    else if (range.last < first) low = middle + 1;
    else return true;
  }
  return false;
}

/** Whether every address of `part` is in `whole`. */
export function includes(whole: IpSet, part: IpSet): boolean {
  return sizeOf(intersection(whole, part)) === sizeOf(part);
}

/** The fewest networks that hold exactly the addresses of the set, in ascending order. */
export function coveringNetworks(set: IpSet, family: Family): Network[] {
  const bits = addressBits[family];
  const networks: Network[] = [];
  for (const { first, last } of set) {
    for (let next = first; next <= last; ) {
      const hostBits = Math.min(trailingZeros(next, bits), bitLength(last - next + 1n) - 1);
      networks.push({ network: next, prefix: bits - hostBits });
      next += 1n << BigInt(hostBits);
    }
  }
  return networks;
}

/** Joins what overlaps or touches; the ranges are sorted by their first addresses. */
function joined(sorted: readonly AddressRange[]): IpSet {
  const ranges: AddressRange[] = [];
  for (const range of sorted) {
    const open = ranges.at(-1);
    if (open === undefined || range.first > open.last + 1n) ranges.push(range);
    else if (range.last > open.last) ranges[ranges.length - 1] = { first: open.first, last: range.last };
  }
  return ranges;
}

function trailingZeros(value: bigint, bits: number): number {
  return value === 0n ? bits : bitLength(value & -value) - 1;
}

/** How many bits it takes to write a number that is not negative: 0 for 0. */
export function bitLength(value: bigint): number {
  let bits = 0;
  let rest = value;
  for (; rest > 0xffff_ffffn; rest >>= 32n) bits += 32;
  return bits + 32 - Math.clz32(Number(rest));
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : Number(a > b);
}
