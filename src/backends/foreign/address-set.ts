import type { AddressRange } from '../../net/cidr.ts';
import { addressBits, type Family } from '../../net/family.ts';

/** Addresses of one family: ranges in ascending order, apart from each other. */
export type AddressSet = readonly AddressRange[];

export function everyAddress(family: Family): AddressSet {
  return [{ first: 0n, last: (1n << BigInt(addressBits[family])) - 1n }];
}

/** The set of ranges in any order, which may overlap. */
export function addressSet(ranges: readonly AddressRange[]): AddressSet {
  const merged: { first: bigint; last: bigint }[] = [];
  for (const { first, last } of ranges.toSorted((a, b) => compare(a.first, b.first))) {
    const open = merged.at(-1);
    if (open && first <= open.last + 1n) open.last = larger(open.last, last);
    else merged.push({ first, last });
  }
  return merged;
}

/** The addresses that are in both sets. */
export function intersect(one: AddressSet, other: AddressSet): AddressSet {
  const common: AddressRange[] = [];
  for (let i = 0, j = 0; ; ) {
    const a = one[i];
    const b = other[j];
    if (!a || !b) return common;
    const first = larger(a.first, b.first);
    const last = smaller(a.last, b.last);
    if (first <= last) common.push({ first, last });
    if (a.last < b.last) i++;
    else j++;
  }
}

/** The addresses of `from` that are not in `taken`. */
export function subtract(from: AddressSet, taken: AddressSet, family: Family): AddressSet {
  return intersect(from, complement(taken, family));
}

function complement(set: AddressSet, family: Family): AddressSet {
  const gaps: AddressRange[] = [];
  let next = 0n;
  for (const { first, last } of set) {
    if (next < first) gaps.push({ first: next, last: first - 1n });
    next = last + 1n;
  }
  return [...gaps, ...everyAddress(family).flatMap(({ last }) => (next <= last ? [{ first: next, last }] : []))];
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : Number(a > b);
}

function larger(a: bigint, b: bigint): bigint {
  return compare(a, b) > 0 ? a : b;
}

function smaller(a: bigint, b: bigint): bigint {
  return compare(a, b) < 0 ? a : b;
}
