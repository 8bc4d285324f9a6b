import { lastAddress, mergeCidrs } from '../net/cidr.ts';
import type { Family } from '../net/family.ts';
import { type AddressRange, difference, everyAddress, type IpSet, intersection, overlap } from '../net/ip-set.ts';
import { type NumberedStep, type Outcome, outcomeOf, type Side, steps, type Taking } from './decide.ts';
import type { FamilyPolicy, PolicyEntry, PolicyOutput } from './policy.ts';

/** The connections from any of the sources to any of the destinations. */
export interface Rectangle {
  readonly sources: IpSet;
  readonly destinations: IpSet;
}

/** The sets of a rectangle by the side of a connection that they are about. */
export const sideKeys = { source: 'sources', destination: 'destinations' } as const satisfies Record<
  Side,
  keyof Rectangle
>;

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

/** What reaches a step of the decision, and what it takes of that. Step 1, the host's own addresses, is left out. */
export interface Stage {
  readonly step: NumberedStep;
  readonly taking: Exclude<Taking, { kind: 'to-host' }>;
  readonly reaching: Rectangle;
  readonly taken: Rectangle;
}

/**
 * The steps that take anything under a policy, in order. Each looks at one side of a connection, so that what is left to
 * the next is always a set of sources by a set of destinations.
 */
export function stagesOf(policy: FamilyPolicy): Stage[] {
  const { family } = policy;
  const stages: Stage[] = [];
  let reaching: Rectangle = { sources: everyAddress(family), destinations: everyAddress(family) };
  for (const step of steps) {
    const taking = step.takes(policy);
    if (!taking || taking.kind === 'to-host') continue;
    const { taken, left } = split(reaching, taking, family);
    stages.push({ step, taking, reaching, taken });
    reaching = left;
  }
  return stages;
}

/**
 * Every connection of a family as regions that have none in common, one for each step that decides anything, and where it
 * masquerades for each address. The host's own addresses, step 1, are known to no policy and left out: nothing is taken
 * out for them.
 */
export function regionsOf(policy: FamilyPolicy): Region[] {
  const { family } = policy;
  return stagesOf(policy)
    .filter(({ taken }) => !isEmpty(taken))
    .flatMap(({ step, taking, taken }) => {
      const list = taking.kind === 'listed' ? taking : undefined;
      const parts = step.verdict === 'masquerade' ? partsByOutput(taken, policy) : [{ ...taken, output: undefined }];
      return parts.map((part) => ({ family, ...part, outcome: outcomeOf(step, part.output), step, list }));
    });
}

/** Whether no connection is meant. */
export function isEmpty({ sources, destinations }: Rectangle): boolean {
  return sources.length === 0 || destinations.length === 0;
}

/** What a step takes of the connections that reach it, and what it leaves to the next. */
function split(
  rest: Rectangle,
  taking: Exclude<Taking, { kind: 'to-host' }>,
  family: Family,
): { readonly taken: Rectangle; readonly left: Rectangle } {
  if (taking.kind === 'all') return { taken: rest, left: { sources: [], destinations: [] } };
  const side = sideKeys[taking.side];
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

/** The entries that decide about addresses, of two lists: before and after a change, say. */
interface Deciders {
  readonly one: PolicyEntry | undefined;
  readonly other: PolicyEntry | undefined;
}

/** Addresses about which the same entries decide. */
export interface Part extends Deciders {
  readonly set: IpSet;
}

/**
 * Parts a set by the entries that decide about its addresses, in two lists at once. A list that is undefined decides
 * nothing here; one that is given decides about every address of the set.
 */
export function partedBy(
  set: IpSet,
  one: readonly EntryRange[] | undefined,
  other: readonly EntryRange[] | undefined,
): Part[] {
  const whole = set.map((range) => ({ range, one: undefined, other: undefined }));
  const parts = new Map<PolicyEntry | undefined, Group>();
  for (const piece of cut(cut(whole, one, 'one'), other, 'other')) {
    // With one list, one map of all its entries takes far less memory than a map for each.
    const isOfBoth = piece.one !== undefined && piece.other !== undefined;
    const outer = isOfBoth ? piece.one : undefined;
    const inner = isOfBoth ? piece.other : (piece.one ?? piece.other);
    const group = parts.get(outer) ?? new Map<PolicyEntry | undefined, GrowingPart>();
    parts.set(outer, group);
    const part = group.get(inner);
    // In ascending order, and apart: where two pieces touch, another entry decides.
    if (part) part.set.push(piece.range);
    // Most have one range: a list made with it has no room for others.
    else group.set(inner, { set: [piece.range], one: piece.one, other: piece.other });
  }
  return [...parts.values()].flatMap((group) => [...group.values()]);
}

type Piece = Deciders & { readonly range: AddressRange };
type GrowingPart = Deciders & { readonly set: AddressRange[] };
type Group = Map<PolicyEntry | undefined, GrowingPart>;

/** Cuts pieces where another entry of the list begins to decide, and says which one does. */
function cut(pieces: readonly Piece[], list: readonly EntryRange[] | undefined, key: keyof Deciders): readonly Piece[] {
  if (!list) return pieces;
  const smaller: Piece[] = [];
  for (let i = 0, j = 0; ; ) {
    const piece = pieces[i];
    const decided = list[j];
    if (!piece || !decided) return smaller;
    const { one, other } = piece;
    const range = overlap(piece.range, decided);
    if (range) smaller.push({ range, one, other, [key]: decided.entry });
    if (piece.range.last < decided.last) i++;
    else j++;
  }
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : Number(a > b);
}
