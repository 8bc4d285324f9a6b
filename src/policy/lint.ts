import type { Config, Destination, Problem, Sourced } from '../config/config.ts';
import { problemAt } from '../config/problems.ts';
import { describeSource, type Position, type Source } from '../config/source.ts';
import { type Cidr, coveringCidrs, lastAddress, mergeCidrs, rangeOf } from '../net/cidr.ts';
import { isName } from '../net/dns-name.ts';
import { families } from '../net/family.ts';
import { complement, includes, intersection, meets } from '../net/ip-set.ts';
import { outcomeOf, type Side } from './decide.ts';
import { reasonOf } from './explain.ts';
import {
  type FamilyPolicy,
  familyNames,
  type ListName,
  listKeys,
  listNames,
  type Policy,
  type PolicyEntry,
} from './policy.ts';
import { decidingRanges, type EntryRange, isEmpty, type Rectangle, type Stage, sideKeys, stagesOf } from './regions.ts';

/** A page: who has more has one cause for all of them, and finds it in these. */
const mostWarnings = 20;

/** A warning that is put into words only where it is shown. */
interface Remark {
  readonly at: Position;
  /** The entry that it is about. */
  readonly cidr: Pick<Cidr, 'text'>;
  readonly text: () => { readonly message: string; readonly expected?: string };
}

/**
 * What is odd about lists although each entry is valid: entries without which every verdict would be the same, and long
 * lists that leave out a few networks. All the entries that it names could be removed together. Built-in lists are not
 * judged, nor are the addresses of names, which change. Takes time in proportion to n log n, and gives a page at most.
 */
export function lintPolicy(named: Policy, config: Config): Problem[] {
  const policy = withoutNames(named);
  const remarks = oneForEachPlace([
    ...listNames.flatMap((list) => repeated(list, config[listKeys[list]])),
    ...families.flatMap((family) => remarksOn(policy[family], config)),
  ]);
  const shown = remarks.slice(0, remarks.length > mostWarnings ? mostWarnings - 1 : mostWarnings);
  const problems = shown.map(({ at, cidr, text }) => problemAt(at, { found: cidr.text, ...text() }));
  const next = remarks[shown.length];
  if (!next) return problems;
  const message = `${remarks.length - shown.length} further remarks of this kind`;
  return [...problems, problemAt(next.at, { message })];
}

function withoutNames(policy: Policy): Policy {
  const without = (family: FamilyPolicy): FamilyPolicy => ({
    ...family,
    forceMasquerade: family.forceMasquerade.filter(({ name }) => name === undefined),
    keepDestinations: family.keepDestinations.filter(({ name }) => name === undefined),
  });
  return { ...policy, ipv4: without(policy.ipv4), ipv6: without(policy.ipv6) };
}

/** An entry that is idle for two reasons is told of once. */
function oneForEachPlace(remarks: readonly Remark[]): Remark[] {
  const byPlace = new Map<string, Remark>();
  for (const one of remarks) {
    const place = `${one.at.file}:${one.at.line}:${one.at.column}`;
    if (!byPlace.has(place)) byPlace.set(place, one);
  }
  return [...byPlace.values()];
}

function remarksOn(policy: FamilyPolicy, config: Config): Remark[] {
  if (!policy.enabled) return [];
  return [
    ...listNames.flatMap((list) => covered(policy[list])),
    ...neverReached(policy, config),
    ...listNames.flatMap((list) => (hasNames(config[listKeys[list]]) ? [] : complements(list, policy))),
  ];
}

function hasNames(list: readonly Sourced<Destination>[]): boolean {
  return list.some(({ value }) => isName(value));
}

/** A remark on an entry that stands in a file; what is built in nobody can change. */
function remark(cidr: Remark['cidr'], source: Source, text: Remark['text']): Remark[] {
  return source === 'default' || 'flag' in source ? [] : [{ at: source, cidr, text }];
}

function repeated(list: ListName, entries: readonly Sourced<Destination>[]): Remark[] {
  const first = new Map<string, Source>();
  return entries.flatMap(({ value, source }) => {
    const before = first.get(value.text);
    if (before === undefined) {
      first.set(value.text, source);
      return [];
    }
    return remark(value, source, () => ({ message: `${listKeys[list]} has this already: ${describeSource(before)}` }));
  });
}

/** Entries in a larger network of the same list. */
function covered(entries: readonly PolicyEntry[]): Remark[] {
  const sorted = entries.toSorted(
    ({ cidr: a }, { cidr: b }) => (a.network < b.network ? -1 : Number(a.network > b.network)) || a.prefix - b.prefix,
  );
  let around: PolicyEntry | undefined;
  return sorted.flatMap((entry) => {
    // Two networks have nothing in common, or one holds the other.
    if (!around || entry.cidr.network > lastAddress(around.cidr)) {
      around = entry;
      return [];
    }
    const { cidr, source } = around;
    return remark(entry.cidr, entry.source, () => ({
      message: `changes no verdict: ${cidr.text} (${describeSource(source)}) covers it`,
    }));
  });
}

/** Entries about connections that earlier steps decide, all of them. */
function neverReached(policy: FamilyPolicy, config: Config): Remark[] {
  const stages = stagesOf(policy);
  const decidersOf = rememberedDeciders();
  return stages.flatMap(({ taking, reaching }, index) => {
    if (taking.kind !== 'listed') return [];
    const { side } = taking;
    const isIdle = (cidr: Cidr): boolean => isEmpty(reaching) || !meets(reaching[sideKeys[side]], rangeOf(cidr));
    return taking.entries.flatMap(({ cidr, source }) => {
      if (!isIdle(cidr)) return [];
      const text = () => {
        const cause = stageThatDecides(stages.slice(0, index), cidr, side);
        return { message: `changes no verdict: ${describeCause(cause, cidr, decidersOf(cause), policy, config)}` };
      };
      return remark(cidr, source, text);
    });
  });
}

/** The step before that decides about all connections of a network; of several that do so together, the first. */
function stageThatDecides(before: readonly Stage[], cidr: Cidr, side: Side): Stage | undefined {
  const range = [rangeOf(cidr)];
  const takes = ({ taking, taken }: Stage): boolean =>
    taking.kind !== 'all' && taking.side === side && intersection(taken[sideKeys[side]], range).length > 0;
  const isAll = (stage: Stage): boolean => takes(stage) && includes(stage.taken[sideKeys[side]], range);
  // The last that anything reaches takes all that is left, where nothing is left after it.
  const sweeper = before.findLast(({ reaching }) => !isEmpty(reaching));
  const leavesNothing = sweeper !== undefined && sameRectangle(sweeper.reaching, sweeper.taken);
  return before.find(isAll) ?? (leavesNothing ? sweeper : before.find(takes));
}

function sameRectangle(one: Rectangle, other: Rectangle): boolean {
  return includes(other.sources, one.sources) && includes(other.destinations, one.destinations);
}

function describeCause(
  cause: Stage | undefined,
  cidr: Cidr,
  deciders: readonly EntryRange[],
  policy: FamilyPolicy,
  config: Config,
): string {
  if (!cause) return 'earlier steps decide';
  const decider = deciders.find(({ first, last }) => first <= lastAddress(cidr) && cidr.network <= last)?.entry;
  const { reason, entry, source } = reasonOf(
    { ...outcomeOf(cause.step, undefined), step: cause.step, entry: decider, output: undefined },
    policy,
    config,
  );
  const isAlone = !decider || includes([rangeOf(decider.cidr)], [rangeOf(cidr)]);
  const where = [entry, source].filter((part) => part !== null).join(', ');
  return `step ${cause.step.number} comes before, ${reason} (${where}${isAlone ? '' : ', and others'})`;
}

/** Which entry of a list decides where: asked for a few lists, and for each at most once. */
function rememberedDeciders(): (stage: Stage | undefined) => readonly EntryRange[] {
  const known = new Map<Stage, readonly EntryRange[]>();
  return (stage) => {
    if (stage?.taking.kind !== 'listed') return [];
    const deciders = known.get(stage) ?? decidingRanges(stage.taking.entries);
    known.set(stage, deciders);
    return deciders;
  };
}

/** A list that leaves out at most so many networks, and is at least so many times as long, is one turned inside out. */
const mostGaps = 4;
const leastEntriesPerGap = 4;

function complements(list: ListName, policy: FamilyPolicy): Remark[] {
  const { family } = policy;
  const [first] = policy[list];
  if (!first) return [];
  const rest = complement(mergeCidrs(policy[list].map(({ cidr }) => cidr)), family);
  if (rest.length === 0 || rest.length > mostGaps) return [];
  const gaps = coveringCidrs(rest, family);
  if (gaps.length > mostGaps || policy[list].length < gaps.length * leastEntriesPerGap) return [];
  return remark(first.cidr, first.source, () => {
    const texts = gaps.map(({ text }) => text).join(', ');
    const shorter = insideOut(list, policy, texts);
    return {
      message: `${listKeys[list]} is every ${familyNames[family]} address but ${texts}, in ${policy[list].length} entries`,
      ...(shorter === undefined ? {} : { expected: `${shorter}, which says the same` }),
    };
  });
}

/** How the few networks that a list leaves out are written instead of it, where that gives the same verdicts. */
function insideOut(list: ListName, policy: FamilyPolicy, gaps: string): string | undefined {
  const { masqueradeSources, forceMasquerade, keepSources } = policy;
  const outbound = policy.family === 'ipv4' ? 'masqOutBound' : 'masqOutBoundIPv6';
  if (list === 'keepDestinations' && keepSources.length === 0 && policy.masqueradeOutbound) {
    return `${outbound}: false and ${listKeys.forceMasquerade}: [${gaps}]`;
  }
  if (list === 'keepSources' && masqueradeSources.length + forceMasquerade.length === 0) {
    return `${listKeys.masqueradeSources}: [${gaps}]`;
  }
  if (list === 'masqueradeSources' && forceMasquerade.length === 0) return `${listKeys.keepSources}: [${gaps}]`;
  return undefined;
}
