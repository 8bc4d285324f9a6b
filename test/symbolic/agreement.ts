import { formatAddress } from '../../src/net/cidr.ts';
import { type Family, families } from '../../src/net/family.ts';
import { everyAddress, type IpSet, includes, intersection, sizeOf } from '../../src/net/ip-set.ts';
import { formatPortRange } from '../../src/net/port-range.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { type Region, regionsOf } from '../../src/policy/regions.ts';
import type { Fate, NewSource, Packets } from './ruleset.ts';

/** What the rules do with packets of a kind: every one of them. */
export type Rules = (packets: Packets) => readonly Fate[];

/** One protocol that has the ports that --to-ports chooses would do for all; each has rules of its own under iptables. */
const protocols = ['tcp', 'udp', 'sctp', 'icmp', 'udplite'] as const;

/** The counters that count a connection, by what the rules do with it; undefined where the rules have none. */
export type CountersOf = (verdict: 'keep' | 'masquerade', family: Family) => readonly string[];

/**
 * Where the rules do something else than the policy: the first such packets, in words; undefined where for every
 * packet, of either family and any protocol, they do the same. That is computed, for all packets at once.
 */
export function disagreement(policy: Policy, rules: Rules, countersOf: CountersOf): string | undefined {
  for (const family of families) {
    const regions = regionsOf(policy[family]);
    for (const protocol of protocols) {
      const fates = rules(allPackets(family, { protocol }));
      const found =
        differenceFrom(policy, regions, protocol, fates, countersOf) ?? toOwnAddress(rules, family, protocol);
      if (found !== undefined) return `${family} ${protocol}: ${found}`;
    }
  }
  return undefined;
}

export function allPackets(family: Family, kind: Partial<Packets> = {}): Packets {
  const every = everyAddress(family);
  const plain = { family, protocol: 'tcp', isLocal: false, leavesByLo: false, chance: 1, counters: [] };
  return { ...plain, sources: every, destinations: every, ...kind };
}

/** Step 1: what goes to the host itself is kept, and not counted. */
function toOwnAddress(rules: Rules, family: Family, protocol: string): string | undefined {
  const wrong = rules(allPackets(family, { protocol, isLocal: true })).find(
    ({ masquerade, packets }) => masquerade !== undefined || packets.counters.length > 0,
  );
  return wrong && `to an address of the host: ${describe(wrong.packets, wrong.packets)}`;
}

function differenceFrom(
  policy: Policy,
  regions: readonly Region[],
  protocol: string,
  fates: readonly Fate[],
  countersOf: CountersOf,
): string | undefined {
  for (const region of regions) {
    const { verdict, address } = region.outcome;
    const expected = verdict === 'keep' ? new Map([['keep', 1]]) : choiceOf(policy, protocol, address ?? undefined);
    const counters = countersOf(verdict, region.family).join();
    const meeting = fates.filter(({ packets }) => overlap(packets, region) > 0n);
    // Every packet of the region once, whatever the dice say.
    const area = sizeOf(region.sources) * sizeOf(region.destinations);
    const total = meeting.reduce((sum, { packets }) => sum + Number(overlap(packets, region)) * packets.chance, 0);
    if (!isNear(total / Number(area), 1)) return `${total / Number(area)} of ${describe(region, region)} have a fate`;
    for (const fate of meeting) {
      const wrong = wrongIn(fate, meeting, region, expected, counters);
      if (wrong !== undefined) return `${describe(region, fate.packets)}: ${wrong}`;
    }
  }
  return undefined;
}

function wrongIn(
  fate: Fate,
  fates: readonly Fate[],
  region: Region,
  expected: ReadonlyMap<string, number>,
  counters: string,
): string | undefined {
  const key = keyOf(fate);
  const chance = chanceOf(key, fate, fates, region);
  if (!isNear(chance, expected.get(key) ?? 0)) {
    const right = JSON.stringify([...expected]);
    return `${key} with chance ${chance}, where ${right} is right (step ${region.step.number})`;
  }
  const counted = fate.packets.counters.join();
  return counted === counters ? undefined : `counted by ${counted || 'none'}, where ${counters || 'none'} is right`;
}

/** The ports that a masqueraded connection gets, with their chances, by the contract and not by the code that renders. */
function choiceOf(
  { toPorts, randomFully: random }: Policy,
  protocol: string,
  address: string | undefined,
): Map<string, number> {
  const ranges = ['tcp', 'udp', 'sctp'].includes(protocol) ? toPorts : [];
  const total = ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  if (total === 0) return new Map([[masqueradeKey({ address, ports: undefined, random }), 1]]);
  const choice = new Map<string, number>();
  for (const range of ranges) {
    const key = masqueradeKey({ address, ports: formatPortRange(range), random });
    choice.set(key, (choice.get(key) ?? 0) + (range.last - range.first + 1) / total);
  }
  return choice;
}

function masqueradeKey({ address, ports, random }: NewSource): string {
  return `masquerade as ${address ?? 'the interface'}, ports ${ports ?? 'any'}${random ? ' at random' : ''}`;
}

function keyOf({ masquerade, isAccepted }: Fate): string {
  // Left alone is not accepted, after which no rule of others would have its turn.
  if (isAccepted) return 'accept';
  return masquerade ? masqueradeKey(masquerade) : 'keep';
}

/** How likely the packets of one fate, within a region, are to meet the same fate, by this rule or another. */
function chanceOf(key: string, { packets }: Fate, fates: readonly Fate[], region: Region): number {
  const sources = intersection(packets.sources, region.sources);
  const destinations = intersection(packets.destinations, region.destinations);
  return fates
    .filter((other) => keyOf(other) === key)
    .filter((other) => includes(other.packets.sources, sources) && includes(other.packets.destinations, destinations))
    .reduce((sum, other) => sum + other.packets.chance, 0);
}

type Rectangle = Pick<Region, 'sources' | 'destinations'>;

function overlap(one: Rectangle, other: Rectangle): bigint {
  return sizeOf(intersection(one.sources, other.sources)) * sizeOf(intersection(one.destinations, other.destinations));
}

/** iptables rounds chances to 2^-31, and prints 11 digits of them. */
function isNear(one: number, other: number): boolean {
  return Math.abs(one - other) < 1e-8;
}

function describe(region: Rectangle, packets: Rectangle & Partial<Packets>): string {
  const family = packets.family ?? 'ipv4';
  const first = (set: IpSet) => formatAddress(family, set[0]?.first ?? 0n);
  const sources = intersection(region.sources, packets.sources);
  const destinations = intersection(region.destinations, packets.destinations);
  return `${first(sources)} -> ${first(destinations)}`;
}
