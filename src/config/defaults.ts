import { type Cidr, parseCidr } from '../net/cidr.ts';
import type { Sourced } from './config.ts';
import type { Source } from './source.ts';

/** RFC 1918: destinations that keep the Pod's address when no file says otherwise. */
export const privateRanges: readonly string[] = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'];

/** The further IPv4 ranges that upstream adds for --nomasq-all-reserved-ranges, in its order. */
const reservedRanges = [
  '100.64.0.0/10', // RFC 6598
  '192.0.0.0/24', // RFC 6890
  '192.0.2.0/24', // RFC 5737
  '192.88.99.0/24', // RFC 7526
  '198.18.0.0/15', // RFC 6815
  '198.51.100.0/24', // RFC 5737
  '203.0.113.0/24', // RFC 5737
  '240.0.0.0/4', // RFC 5735, former class E
];

export const defaultCidrLimit = 64;

/** One minute, in nanoseconds. */
export const defaultResyncInterval = 60_000_000_000n;

/** One second, in nanoseconds: reading more often would only cost. */
export const shortestResyncInterval = 1_000_000_000n;

/** The value of `nonMasqueradeCIDRs` where no file has that key. */
export function defaultNonMasqueradeCIDRs(allReservedRanges: boolean): readonly Sourced<Cidr>[] {
  const byDefault = privateRanges.flatMap((range) => builtIn(range, 'default'));
  if (!allReservedRanges) return byDefault;
  return [...byDefault, ...reservedRanges.flatMap((range) => builtIn(range, { flag: 'nomasq-all-reserved-ranges' }))];
}

function builtIn(range: string, source: Source): readonly Sourced<Cidr>[] {
  const value = parseCidr(range);
  return value === undefined ? [] : [{ value, source }];
}
