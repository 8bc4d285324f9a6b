import { addressBits, type Family, families } from '../net/family.ts';
import { type IpSet, intersection, sizeOf } from '../net/ip-set.ts';
import { type NumberedStep, type Outcome, type Side, sameOutcome } from './decide.ts';
import type { Policy, PolicyEntry, PolicyOutput } from './policy.ts';
import { decidingRanges, type EntryRange, type Part, partedBy, type Region, regionsOf } from './regions.ts';

/** What one of two policies makes of some connections, and what decides that. */
export interface Cause {
  readonly outcome: Outcome;
  readonly step: NumberedStep;
  /** The output that names the address; undefined where none does. */
  readonly output: PolicyOutput | undefined;
  /** The entry that decides; undefined where the step has none, or several decide together. */
  readonly entry: PolicyEntry | undefined;
  /** The list that decides together, where naming each of its entries would take too long. */
  readonly entries: readonly PolicyEntry[] | undefined;
}

/** Connections that two policies judge otherwise: those from any of the sources to any of the destinations. */
export interface Change {
  readonly family: Family;
  readonly sources: IpSet;
  readonly destinations: IpSet;
  readonly before: Cause;
  readonly after: Cause;
  /** How much that is of all (source, destination) pairs of the family, 0 to 1. */
  readonly share: number;
}

/**
 * The connections that two policies judge otherwise, exactly: changes have no connection in common, and what is in
 * none is judged as before. Each has one cause on either side. The largest first, as shares of their families.
 */
export function diffPolicies(before: Policy, after: Policy): Change[] {
  return families
    .flatMap((family) => flipsOf(regionsOf(before[family]), regionsOf(after[family])).flatMap(changesOf))
    .sort((a, b) => b.share - a.share);
}

/** Connections of one region of each of two policies, which judge them otherwise. */
export interface Flip {
  readonly family: Family;
  readonly sources: IpSet;
  readonly destinations: IpSet;
  readonly before: Region;
  readonly after: Region;
  /** How much that is of all (source, destination) pairs of the family, 0 to 1. */
  readonly share: number;
}

function flipsOf(before: readonly Region[], after: readonly Region[]): Flip[] {
  const flips: Flip[] = [];
  for (const one of before) {
    for (const other of after) {
      if (sameOutcome(one.outcome, other.outcome)) continue;
      const { family } = one;
      const sources = intersection(one.sources, other.sources);
      const destinations = sources.length > 0 ? intersection(one.destinations, other.destinations) : [];
      if (destinations.length === 0) continue;
      const share = shareOf(family, sources, destinations);
      flips.push({ family, sources, destinations, before: one, after: other, share });
    }
  }
  return flips;
}

/** What a change of the policy did, in short. */
export interface FlipSummary {
  /** How many ranges of sources by ranges of destinations are judged otherwise. */
  readonly ranges: Readonly<Record<Family, number>>;
  /** How much of all (source, destination) pairs that is, 0 to 1. */
  readonly shares: Readonly<Record<Family, number>>;
  /** The largest first, without the entries that decide: the log tells those that came and went. */
  readonly flips: readonly Flip[];
}

/** Sums up what two policies judge otherwise: a tenth of a second for 100,000 CIDRs in each, so after the apply. */
export function summarizeFlips(previous: Policy, next: Policy): FlipSummary {
  const flips = families.flatMap((family) => flipsOf(regionsOf(previous[family]), regionsOf(next[family])));
  const [ranges, shares] = [
    { ipv4: 0, ipv6: 0 },
    { ipv4: 0, ipv6: 0 },
  ];
  for (const { family, sources, destinations, share } of flips) {
    ranges[family] += sources.length * destinations.length;
    shares[family] += share;
  }
  return { ranges, shares, flips: flips.sort((a, b) => b.share - a.share) };
}

/**
 * More ranges than this in the changes of one flip are of no use to anybody: where a long list of sources meets a long
 * list of destinations, naming the entries of each pair would take as many lines as their product.
 */
const mostRanges = 1_000_000;

/** Parts a flip by the entries that decide in it, as far as that is reasonable. */
function changesOf({ family, sources, destinations, before, after }: Flip): Change[] {
  const parts = (side: Side, set: IpSet, parted: boolean) =>
    partedBy(set, parted ? rangesOf(before, side) : undefined, parted ? rangesOf(after, side) : undefined);
  const attempts = [
    { source: true, destination: true },
    { source: false, destination: true },
    { source: true, destination: false },
    { source: false, destination: false },
  ] as const;
  for (const parted of attempts) {
    const bySource = parts('source', sources, parted.source);
    const byDestination = parts('destination', destinations, parted.destination);
    const ranges = byDestination.length * rangesIn(bySource) + bySource.length * rangesIn(byDestination);
    if (ranges > mostRanges && (parted.source || parted.destination)) continue;
    const [fromEach, toEach] = [judged(bySource, before, after), judged(byDestination, before, after)];
    const [togetherBefore, togetherAfter] = [causeOf(before), causeOf(after)];
    return fromEach.flatMap((from) =>
      toEach.map((to) => ({
        family,
        sources: from.set,
        destinations: to.set,
        before: from.before ?? to.before ?? togetherBefore,
        after: from.after ?? to.after ?? togetherAfter,
        share: shareOf(family, from.set, to.set),
      })),
    );
  }
  return [];
}

function rangesOf({ list }: Region, side: Side): readonly EntryRange[] | undefined {
  return list?.side === side ? decidingRanges(list.entries) : undefined;
}

function rangesIn(parts: readonly { readonly set: IpSet }[]): number {
  return parts.reduce((sum, { set }) => sum + set.length, 0);
}

/** Parts of a side with the causes that the entries which decide there are: made once, for many changes. */
function judged(parts: readonly Part[], before: Region, after: Region) {
  return parts.map(({ set, one, other }) => ({
    set,
    before: one && causeOf(before, one),
    after: other && causeOf(after, other),
  }));
}

/** The cause that an entry of a region's list is, or without one all of them together. */
function causeOf({ outcome, step, list, output }: Region, entry?: PolicyEntry): Cause {
  return { outcome, step, output, entry, entries: entry ? undefined : list?.entries };
}

function shareOf(family: Family, sources: IpSet, destinations: IpSet): number {
  const all = 2 ** addressBits[family];
  return (Number(sizeOf(sources)) / all) * (Number(sizeOf(destinations)) / all);
}
