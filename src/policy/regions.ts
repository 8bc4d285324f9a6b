import { lastAddress, mergeCidrs } from '../net/cidr.ts';
import type { Family } from '../net/family.ts';
import { type AddressRange, difference, everyAddress, type IpSet, intersection } from '../net/ip-set.ts';
import { type NumberedStep, type Outcome, outcomeOf, type Side, steps, type Taking } from './decide.ts';
import type { FamilyPolicy, PolicyEntry, PolicyOutput } from './policy.ts';

/** The connections from any of the sources to any of the destinations. */
interface Rectangle {
  readonly sources: IpSet;
  readonly destinations: IpSet;
}

/** Connections of which one step decides every one. */
export interface Region extends Rectangle {
  readonly family: Family;
  readonly outcome: Outcome;
  readonly step: NumberedStep;
  /** The list by which the step decides, and the side of the connection that it is about; undefined where no list does. */
  readonly list: { readonly side: Side; readonly entries: readonly PolicyEntry[] } | undefined;
  /** The output that names the address; undefined where none does. */
  readonly output: PolicyOutput | undefined;
}

/**
 * Every connection of a family as regions that have none in common, one for each step that decides anything, and where it
 * masquerades for each address. Each step looks at one side of a connection, so that what is left to the next is always
 * a set of sources by a set of destinations. The host's own addresses, step 1, are known to no policy and left out: nothing is taken out for them.
 */
export function regionsOf(policy: FamilyPolicy): Region[] {
  const { family } = policy;
  const regions: Region[] = [];
  let rest: Rectangle = { sources: everyAddress(family), destinations: everyAddress(family) };
  for (const step of steps) {
    const taking = step.takes(policy);
    if (!taking || taking.kind === 'to-host') continue;
    const { taken, left } = split(rest, taking, family);
    const list = taking.kind === 'listed' ? taking : undefined;
    if (taken.sources.length > 0 && taken.destinations.length > 0) {
      const parts = step.verdict === 'masquerade' ? partsByOutput(taken, policy) : [{ ...taken, output: undefined }];
      regions.push(...parts.map((part) => ({ family, ...part, outcome: outcomeOf(step, part.output), step, list })));
    }
    rest = left;
  }
  return regions;
}

/** What a step takes of the connections that reach it, and what it leaves to the next. */
function split(
  rest: Rectangle,
  taking: Exclude<Taking, { kind: 'to-host' }>,
  family: Family,
): { readonly taken: Rectangle; readonly left: Rectangle } {
  if (taking.kind === 'all') return { taken: rest, left: { sources: [], destinations: [] } };
  const side = taking.side === 'source' ? 'sources' : 'destinations';
  const listed = networksOf(taking.entries);
  const inside = { ...rest, [side]: intersection(rest[side], listed) };
  const outside = { ...rest, [side]: difference(rest[side], listed, family) };
  return taking.kind === 'listed' ? { taken: inside, left: outside } : { taken: outside, left: inside };
}

/** A part of a rectangle, and the output that names the address of its connections. */
interface OutputPart extends Rectangle {
  readonly output: PolicyOutput | undefined;
}

/**
 * Parts what is masqueraded by the outputs. Sources first, into sets which each output holds or does not: then what is
 * left to the next output is a set of destinations.
 */
function partsByOutput({ sources, destinations }: Rectangle, { family, outputs }: FamilyPolicy): OutputPart[] {
  let bySource: readonly IpSet[] = [sources];
  for (const output of outputs.filter((each) => each.sources.length > 0)) {
    const listed = networksOf(output.sources);
    bySource = bySource
      .flatMap((set) => [intersection(set, listed), difference(set, listed, family)])
      .filter((set) => set.length > 0);
  }
  return bySource.flatMap((set) => {
    const [some] = set;
    const applying = outputs.filter(
      (output) => output.sources.length === 0 || (some && intersection([some], networksOf(output.sources)).length > 0),
    );
    let rest = destinations;
    const parts = applying.map((output) => {
      const listed = output.destinations.length > 0 ? networksOf(output.destinations) : everyAddress(family);
      const taken = intersection(rest, listed);
      rest = difference(rest, listed, family);
      return { sources: set, destinations: taken, output };
    });
    return [...parts, { sources: set, destinations: rest, output: undefined }].filter(
      (part) => part.destinations.length > 0,
    );
  });
}

function networksOf(entries: readonly PolicyEntry[]): IpSet {
  return mergeCidrs(entries.map(({ cidr }) => cidr));
}

/** A range of addresses, and the entry of a list that decides about them. */
export interface EntryRange extends AddressRange {
  readonly entry: PolicyEntry;
}

/**
 * What each entry of a list decides: the addresses of its network, without those of entries before it. Ascending;
 * n log n steps, since of two networks either one holds the other or they have nothing in common.
 */
export function decidingRanges(entries: readonly PolicyEntry[]): EntryRange[] {
  const networks = entries
    .map((entry, rank) => ({ first: entry.cidr.network, last: lastAddress(entry.cidr), entry, rank }))
    .sort((a, b) => compare(a.first, b.first) || compare(b.last, a.last) || a.rank - b.rank);
  const ranges: { first: bigint; last: bigint; entry: PolicyEntry }[] = [];
  /** The networks around the present address, innermost last, each with the entry that decides in it. */
  const open: { readonly last: bigint; readonly entry: PolicyEntry; readonly rank: number }[] = [];
  let next = 0n;
  const decidedUpTo = (last: bigint, entry: PolicyEntry): void => {
    if (next > last) return;
    const before = ranges.at(-1);
    if (before?.entry === entry && before.last + 1n === next) before.last = last;
    else ranges.push({ first: next, last, entry });
    next = last + 1n;
  };
  const closeBefore = (first: bigint | undefined): void => {
    for (let inner = open.at(-1); inner && (first === undefined || inner.last < first); inner = open.at(-1)) {
      decidedUpTo(inner.last, inner.entry);
      open.pop();
    }
  };
  for (const { first, last, entry, rank } of networks) {
    closeBefore(first);
    const around = open.at(-1);
    if (around) decidedUpTo(first - 1n, around.entry);
    next = first;
    open.push(around && around.rank < rank ? { ...around, last } : { last, entry, rank });
  }
  closeBefore(undefined);
  return ranges;
}

/** The addresses of a set, and who decides about them: before and after, say. */
interface Labelled<Label> {
  readonly set: IpSet;
  readonly labels: Label;
}

/**
 * Parts a set by the entries that decide about its addresses, in two lists at once. A list that is undefined decides
 * nothing here. Addresses for which the same entries decide stay together.
 */
export function partedBy(
  set: IpSet,
  one: readonly EntryRange[] | undefined,
  other: readonly EntryRange[] | undefined,
): Labelled<readonly [PolicyEntry | undefined, PolicyEntry | undefined]>[] {
  if (!one && !other) return [{ set, labels: [undefined, undefined] }];
  const parts = new Map<PolicyEntry | undefined, Map<PolicyEntry | undefined, AddressRange[]>>();
  for (const { first, last, entry, label } of cut(cut(set, one), other)) {
    const ofOne = parts.get(label) ?? new Map<PolicyEntry | undefined, AddressRange[]>();
    parts.set(label, ofOne);
    const ranges = ofOne.get(entry);
    if (ranges) ranges.push({ first, last });
    else ofOne.set(entry, [{ first, last }]);
  }
  return [...parts].flatMap(([label, ofOne]) =>
    [...ofOne].map(([entry, ranges]) => ({ set: ranges, labels: [label, entry] as const })),
  );
}

/** Ranges cut where another entry of the list begins to decide; the entry that they had before becomes their label. */
function cut(
  ranges: readonly (AddressRange & { readonly entry?: PolicyEntry | undefined })[],
  list: readonly EntryRange[] | undefined,
): readonly (AddressRange & { readonly entry: PolicyEntry | undefined; readonly label: PolicyEntry | undefined })[] {
  if (!list) return ranges.map(({ first, last, entry }) => ({ first, last, entry: undefined, label: entry }));
  const pieces: (AddressRange & { entry: PolicyEntry; label: PolicyEntry | undefined })[] = [];
  for (let i = 0, j = 0; ; ) {
    const range = ranges[i];
    const decided = list[j];
    if (!range || !decided) return pieces;
    const first = range.first > decided.first ? range.first : decided.first;
    const last = range.last < decided.last ? range.last : decided.last;
    if (first <= last) pieces.push({ first, last, entry: decided.entry, label: range.entry });
    if (range.last < decided.last) i++;
    else j++;
  }
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : Number(a > b);
}
