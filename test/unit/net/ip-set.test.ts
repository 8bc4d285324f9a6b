import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coveringCidrs, enclosingCidr, mergeCidrs, parseCidr } from '../../../src/net/cidr.ts';
import { addressBits, type Family, families } from '../../../src/net/family.ts';
import {
  type AddressRange,
  complement,
  coveringNetworks,
  difference,
  everyAddress,
  hasAddress,
  type IpSet,
  includes,
  intersection,
  ipSet,
  sizeOf,
  union,
} from '../../../src/net/ip-set.ts';

/** A world of 24 addresses, at the beginning, in the middle or at the end of a family, in which each can be tried. */
const worldSize = 24n;
interface World {
  readonly family: Family;
  readonly start: bigint;
}

const worlds: fc.Arbitrary<World> = fc
  .tuple(fc.constantFrom(...families), fc.constantFrom('begin', 'middle', 'end'))
  .map(([family, place]) => {
    const size = 1n << BigInt(addressBits[family]);
    return { family, start: { begin: 0n, middle: size / 2n - worldSize / 2n, end: size - worldSize }[place] ?? 0n };
  });

const spots = fc.bigInt({ min: 0n, max: worldSize - 1n });
/** Ranges in any order, that may overlap, and touch. */
const rangeLists = fc.array(
  fc.tuple(spots, spots).map(([a, b]) => (a < b ? { first: a, last: b } : { first: b, last: a })),
  { maxLength: 6 },
);
const cases = fc.record({ world: worlds, some: rangeLists, others: rangeLists });

function moved(ranges: readonly AddressRange[], { start }: World): AddressRange[] {
  return ranges.map(({ first, last }) => ({ first: first + start, last: last + start }));
}

/** Every address of the world for which the answer is yes: the model that the sets are held to. */
function members({ start }: World, isIn: (address: bigint) => boolean): bigint[] {
  return Array.from({ length: Number(worldSize) }, (_, index) => start + BigInt(index)).filter(isIn);
}

function within(ranges: readonly AddressRange[]): (address: bigint) => boolean {
  return (address) => ranges.some(({ first, last }) => first <= address && address <= last);
}

/** The set has the members, and is in the one form that such a set has. */
function expectSet(set: IpSet, world: World, isIn: (address: bigint) => boolean): void {
  expect(members(world, within(set))).toEqual(members(world, isIn));
  for (const [index, { first, last }] of set.entries()) {
    expect(first <= last).toBe(true);
    const before = set[index - 1];
    if (before) expect(before.last + 1n < first).toBe(true);
  }
}

describe('sets of addresses', () => {
  it('agree with the model in every operation', () => {
    fc.assert(
      fc.property(cases, ({ world, some, others }) => {
        const [a, b] = [moved(some, world), moved(others, world)];
        const [inA, inB] = [within(a), within(b)];
        const [one, other] = [ipSet(a), ipSet(b)];
        const { family } = world;
        expectSet(one, world, inA);
        expectSet(union(one, other), world, (address) => inA(address) || inB(address));
        expectSet(intersection(one, other), world, (address) => inA(address) && inB(address));
        expectSet(difference(one, other, family), world, (address) => inA(address) && !inB(address));
        expectSet(complement(one, family), world, (address) => !inA(address));
        expect(members(world, (address) => hasAddress(one, address))).toEqual(members(world, inA));
        expect(sizeOf(one)).toBe(BigInt(members(world, inA).length));
        expect(includes(one, other)).toBe(members(world, inB).every(inA));
      }),
      { numRuns: 2000 },
    );
  });

  it('have one complement, which is of the whole family', () => {
    fc.assert(
      fc.property(cases, ({ world, some }) => {
        const set = ipSet(moved(some, world));
        expect(complement(complement(set, world.family), world.family)).toEqual(set);
        expect(union(set, complement(set, world.family))).toEqual(everyAddress(world.family));
        expect(intersection(set, complement(set, world.family))).toEqual([]);
      }),
    );
  });

  it('know the ends of a family', () => {
    expect(everyAddress('ipv4')).toEqual([{ first: 0n, last: 2n ** 32n - 1n }]);
    expect(everyAddress('ipv6')).toEqual([{ first: 0n, last: 2n ** 128n - 1n }]);
    expect(complement([], 'ipv6')).toEqual(everyAddress('ipv6'));
    expect(complement(everyAddress('ipv4'), 'ipv4')).toEqual([]);
  });
});

describe('covering networks', () => {
  it('hold the addresses of the set, and no fewer networks do', () => {
    fc.assert(
      fc.property(cases, ({ world, some }) => {
        const set = ipSet(moved(some, world));
        const networks = coveringNetworks(set, world.family);
        const hostBits = (prefix: number) => BigInt(addressBits[world.family] - prefix);
        const ranges = networks.map(({ network, prefix }) => ({
          first: network,
          last: network + (1n << hostBits(prefix)) - 1n,
        }));
        expect(ipSet(ranges)).toEqual(set);
        for (const { network, prefix } of networks) {
          expect(network % (1n << hostBits(prefix))).toBe(0n);
          // The network that is twice as large is not in the set: each of these is as large as can be, so none can go.
          if (prefix === 0) continue;
          const size = 1n << hostBits(prefix - 1);
          const first = network - (network % size);
          expect(includes(set, [{ first, last: first + size - 1n }])).toBe(false);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    [['10.0.0.0/9', '10.128.0.0/9'], ['10.0.0.0/8']],
    [['0.0.0.0/1', '128.0.0.0/1'], ['0.0.0.0/0']],
    [
      ['10.0.0.0/32', '10.0.0.1/32', '10.0.0.2/32'],
      ['10.0.0.0/31', '10.0.0.2/32'],
    ],
    [['::/0'], ['::/0']],
    [['2001:db8::/33', '2001:db8:8000::/33'], ['2001:db8::/32']],
  ])('of %j are %j', (texts, expected) => {
    const cidrs = texts.map((text) => parseCidr(text)).filter((cidr) => cidr !== undefined);
    const family = texts[0]?.includes(':') ? 'ipv6' : 'ipv4';
    expect(coveringCidrs(mergeCidrs(cidrs), family).map(({ text }) => text)).toEqual(expected);
  });
});

describe('the enclosing network', () => {
  it.each([
    [['10.244.0.0/17', '10.244.128.0/18'], '10.244.0.0/16'],
    [['10.0.0.1/32'], '10.0.0.1/32'],
    [['0.0.0.0/32', '255.255.255.255/32'], '0.0.0.0/0'],
    [['127.255.255.255/32', '128.0.0.0/32'], '0.0.0.0/0'],
    [['2001:db8::/48', '2001:db8:8000::/128'], '2001:db8::/32'],
    [[], '0.0.0.0/0'],
  ])('of %j is %s', (texts, expected) => {
    const cidrs = texts.map((text) => parseCidr(text)).filter((cidr) => cidr !== undefined);
    expect(enclosingCidr(mergeCidrs(cidrs), expected.includes(':') ? 'ipv6' : 'ipv4').text).toBe(expected);
  });
});
