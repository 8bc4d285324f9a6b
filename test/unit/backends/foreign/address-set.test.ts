import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  type AddressSet,
  addressSet,
  everyAddress,
  intersect,
  subtract,
} from '../../../../src/backends/foreign/address-set.ts';

const top = (1n << 32n) - 1n;

/** Few distinct borders, the ends of the scale among them, so that ranges meet, touch and overlap. */
const borders = fc.constantFrom(0n, 1n, 2n, 10n, 11n, 12n, 13n, 20n, top - 1n, top);
const ranges = fc.array(
  fc.tuple(borders, borders).map(([a, b]) => (a < b ? { first: a, last: b } : { first: b, last: a })),
  { maxLength: 5 },
);
const points = fc.oneof(borders, fc.constantFrom(3n, 14n, 21n, 1n << 20n));

function has(set: AddressSet, point: bigint): boolean {
  return set.some(({ first, last }) => first <= point && point <= last);
}

function isNormal(set: AddressSet): boolean {
  return set.every(
    ({ first, last }, index) => first <= last && (index === 0 || (set[index - 1]?.last ?? 0n) + 1n < first),
  );
}

it('holds the addresses of its ranges, in order and apart', () => {
  void fc.assert(
    fc.property(ranges, points, (some, point) => {
      const set = addressSet(some);
      expect(has(set, point)).toBe(has(some, point));
      expect(isNormal(set)).toBe(true);
    }),
  );
});

it('has what both sets have, and what one has and the other has not', () => {
  void fc.assert(
    fc.property(ranges, ranges, points, (some, others, point) => {
      const [one, other] = [addressSet(some), addressSet(others)];
      expect(has(intersect(one, other), point)).toBe(has(one, point) && has(other, point));
      expect(has(subtract(one, other, 'ipv4'), point)).toBe(has(one, point) && !has(other, point));
    }),
  );
});

it('has every address up to the last', () => {
  expect(everyAddress('ipv4')).toEqual([{ first: 0n, last: top }]);
  expect(subtract(everyAddress('ipv6'), everyAddress('ipv6'), 'ipv6')).toEqual([]);
});
