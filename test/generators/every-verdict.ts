import { addressBits, type Family } from '../../src/net/family.ts';
import { listNames } from '../../src/policy/policy.ts';
import { type Bits, bitsOf, numberOf, parseBits } from './bits.ts';
import { decisionByLines, linkLocalBits, type NaiveDecision } from './naive-decision.ts';
import type { PlainFamilyPolicy } from './plain-policy.ts';

/** The networks of a list as the beginnings of the addresses in them, in its order. */
function beginnings(list: readonly string[]): Bits[] {
  return list.map((cidr) => {
    const [network = '', prefix = ''] = cidr.split('/');
    return parseBits(network).slice(0, Number(prefix));
  });
}

/** Addresses of which two neighbours have everything between them in the same lists: one for each case that there is. */
export interface Grid {
  readonly sources: readonly bigint[];
  readonly destinations: readonly bigint[];
}

/** Where any list of any of the policies begins, and where it ends: between these, nothing changes. */
export function gridOf(family: Family, policies: readonly PlainFamilyPolicy[]): Grid {
  const borders = (networks: readonly Bits[]): bigint[] => {
    const size = addressBits[family];
    const points = networks.flatMap((bits) => {
      const first = numberOf(`${bits.padEnd(size, '0')}`);
      return [first, first + (1n << BigInt(size - bits.length))];
    });
    return [...new Set([0n, ...points])].filter((point) => point < 1n << BigInt(size)).sort((a, b) => (a < b ? -1 : 1));
  };
  return {
    sources: borders(policies.flatMap((policy) => beginnings([...policy.masqueradeSources, ...policy.keepSources]))),
    destinations: borders([
      linkLocalBits[family],
      ...policies.flatMap((policy) => beginnings([...policy.forceMasquerade, ...policy.keepDestinations])),
    ]),
  };
}

/** The naive decision about every pair of the grid: by source, then by destination. Destinations are not the host's own. */
export function everyVerdict(
  family: Family,
  policy: PlainFamilyPolicy,
  { sources, destinations }: Grid,
): NaiveDecision[][] {
  const lists = Object.fromEntries(listNames.map((list) => [list, beginnings(policy[list])]));
  const lines = (address: bigint) => {
    const bits = bitsOf(family, address);
    const lineIn = (list: (typeof listNames)[number]) =>
      (lists[list] ?? []).findIndex((network) => bits.startsWith(network)) + 1;
    return {
      masqueradeSources: lineIn('masqueradeSources'),
      keepSources: lineIn('keepSources'),
      forceMasquerade: lineIn('forceMasquerade'),
      keepDestinations: lineIn('keepDestinations'),
    };
  };
  const bySource = sources.map(lines);
  const byDestination = destinations.map((address) => ({
    lines: lines(address),
    isLinkLocal: bitsOf(family, address).startsWith(linkLocalBits[family]),
  }));
  return bySource.map(({ masqueradeSources, keepSources }) =>
    byDestination.map(({ isLinkLocal, lines: { forceMasquerade, keepDestinations } }) => {
      const found = { masqueradeSources, keepSources, forceMasquerade, keepDestinations };
      return decisionByLines(policy, isLinkLocal, found, false);
    }),
  );
}
