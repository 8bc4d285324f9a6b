import { sha256 } from '../../digest.ts';
import { type Family, families } from '../../net/family.ts';
import { formatPortRange, portRangeShares } from '../../net/port-range.ts';
import { linkLocal } from '../../policy/decide.ts';
import { protocolsWithPorts } from '../../policy/packet.ts';
import {
  type FamilyPolicy,
  type ListName,
  listNames,
  type Policy,
  type PolicyEntry,
  type PolicyOutput,
} from '../../policy/policy.ts';
import { formatNftAddress, setElements } from './elements.ts';
import { counters, setNames, spareEndings } from './names.ts';

/** A set of addresses of one family, under its full name. */
export interface NftSet {
  readonly name: string;
  /** The packet field that the set is looked up by, as in `typeof ip daddr`. */
  readonly field: string;
  readonly elements: readonly string[];
}

/** A chain without a hook; the rules are in nft's own spelling. */
export interface NftChain {
  readonly name: string;
  readonly rules: readonly string[];
}

/**
 * What the table should hold for one policy, the counters apart, which every policy has. The base chain decides for
 * IPv4 itself, since every jump costs each new connection some time; IPv6 has a chain of its own.
 */
export interface DesiredTable {
  readonly sets: readonly NftSet[];
  /** Each stands after those that it refers to. */
  readonly chains: readonly NftChain[];
  readonly baseRules: readonly string[];
}

/** Length of the hash in names: 48 bits tell apart any contents that one node will ever see. */
const hashLength = 12;

/**
 * The desired table of a policy. Equal policies give equal tables, whatever the order of their lists and wherever their
 * entries were written.
 */
export function desiredTable(policy: Policy): DesiredTable {
  const lists = families.filter((family) => policy[family].enabled).flatMap((family) => listSets(policy[family]));
  const ipv4 = decision(policy.ipv4, policy, lists);
  const ipv6 = ipv6Chains(policy, lists);
  return {
    sets: distinct([...lists.map(({ set }) => set), ...outputSets(policy)]),
    chains: [...ipv4.chains, ...ipv6.chains],
    baseRules: [
      // The host's own addresses, as upstream's `! --dst-type LOCAL`: not counted, since nothing leaves the node.
      'fib daddr type local return',
      `meta nfproto ipv6 goto ${ipv6.entry}`,
      ...ipv4.rules,
    ],
  };
}

/**
 * The same table with spare names for the objects that `isTaken` names, as in `set keep-sources-ipv4-…`. A chain that
 * refers to a renamed object no longer holds what its name says, so it is renamed as well where its name is in use.
 */
export function withSpareNames(
  desired: DesiredTable,
  isTaken: (key: string, name: string) => boolean,
  inUse: ReadonlySet<string>,
): DesiredTable {
  const spares = new Map<string, string>();
  const spare = (name: string): string => {
    const free = spareEndings.map((ending) => name + ending).find((other) => !inUse.has(other)) ?? name;
    spares.set(name, free);
    return free;
  };
  const sets = desired.sets.map((set) =>
    isTaken(`set ${set.name}`, set.name) ? { ...set, name: spare(set.name) } : set,
  );
  const chains = desired.chains.map(({ name, rules: usual }) => {
    const rules = usual.map((rule) => renameIn(rule, spares));
    const refersToSpare = rules.some((rule, index) => rule !== usual[index]);
    const isMoved = isTaken(`chain ${name}`, name) || (refersToSpare && inUse.has(name));
    return { name: isMoved ? spare(name) : name, rules };
  });
  return { sets, chains, baseRules: desired.baseRules.map((rule) => renameIn(rule, spares)) };
}

/** The names of sets and chains that a rule, or the listed body of a chain or a map, refers to. */
export function referencesIn(text: string): readonly string[] {
  return [...text.matchAll(reference)].map(([, name = '']) => name);
}

const reference = /(?<=\bjump |\bgoto |@)([\w-]+)/g;

function renameIn(rule: string, names: ReadonlyMap<string, string>): string {
  return rule.replaceAll(reference, (name) => names.get(name) ?? name);
}

/** A name that tells the content: what did not change need not be filled again, and an older spelling is replaced. */
function contentName(base: string, content: readonly string[]): string {
  return `${base}-${sha256(content.join('\n')).slice(0, hashLength)}`;
}

/** The set that holds one list of a policy. */
interface ListSet {
  readonly family: Family;
  readonly list: ListName;
  readonly set: NftSet;
}

/** The lists that decide something: without masqueradeOutbound, the last two have nothing left to keep. */
function listSets(policy: FamilyPolicy): ListSet[] {
  const { family, masqueradeOutbound } = policy;
  return listNames
    .filter((list) => policy[list].length > 0)
    .filter((list) => masqueradeOutbound || (list !== 'keepSources' && list !== 'keepDestinations'))
    .map((list) => {
      return { family, list, set: setOf(setNames[list], family, directionOf[list], entriesOf(policy, list)) };
    });
}

function entriesOf(policy: FamilyPolicy, list: ListName): readonly PolicyEntry[] {
  if (list !== 'keepDestinations' || !keepsLinkLocalBySet(policy)) return policy[list];
  return [...policy.keepDestinations, { cidr: linkLocal[policy.family], source: 'default' }];
}

/**
 * Whether link-local destinations are kept by the set that keeps others: a rule less for each new connection. Not where a
 * rule in between masquerades.
 */
function keepsLinkLocalBySet(policy: FamilyPolicy): boolean {
  const { masqueradeLinkLocal, masqueradeOutbound, forceMasquerade, keepDestinations } = policy;
  return !masqueradeLinkLocal && masqueradeOutbound && forceMasquerade.length === 0 && keepDestinations.length > 0;
}

function setOf(base: string, family: Family, direction: 'saddr' | 'daddr', entries: readonly PolicyEntry[]): NftSet {
  const field = `${protocolOf[family]} ${direction}`;
  const elements = setElements(
    family,
    entries.map(({ cidr }) => cidr),
  );
  return { name: contentName(`${base}-${family}`, [field, ...elements]), field, elements };
}

/** The sets of the connections that an output is for; a list without entries has none. */
function setsOfOutput({ address: { family }, sources, destinations }: PolicyOutput): readonly NftSet[] {
  return [
    ...(sources.length > 0 ? [setOf('output-sources', family, 'saddr', sources)] : []),
    ...(destinations.length > 0 ? [setOf('output-destinations', family, 'daddr', destinations)] : []),
  ];
}

function outputSets(policy: Policy): readonly NftSet[] {
  const enabled = families.filter((family) => policy[family].enabled);
  return enabled.flatMap((family) => policy[family].outputs.flatMap(setsOfOutput));
}

/** Several outputs may be for the same networks. */
function distinct(sets: readonly NftSet[]): readonly NftSet[] {
  return [...new Map(sets.map((set) => [set.name, set])).values()];
}

const protocolOf: Readonly<Record<Family, string>> = { ipv4: 'ip', ipv6: 'ip6' };

const directionOf: Readonly<Record<ListName, 'saddr' | 'daddr'>> = {
  masqueradeSources: 'saddr',
  forceMasquerade: 'daddr',
  keepSources: 'saddr',
  keepDestinations: 'daddr',
};

/** Rules that decide, and the chains that they refer to. */
interface Decision {
  readonly rules: readonly string[];
  readonly chains: readonly NftChain[];
}

/** All that IPv6 needs, behind one chain. */
function ipv6Chains(policy: Policy, lists: readonly ListSet[]): { entry: string; chains: readonly NftChain[] } {
  const { rules, chains } = policy.ipv6.enabled
    ? decision(policy.ipv6, policy, lists)
    : { rules: [keep('ipv6')], chains: [] };
  // The host's own link-local addresses, which fib looks for on the interface that their packets leave by: lo.
  const all = [`ip6 daddr ${linkLocal.ipv6.text} oifname "lo" return`, ...rules];
  const entry = contentName('ipv6', all);
  return { entry, chains: [...chains, { name: entry, rules: all }] };
}

/** The decision from link-local destinations on, in its order; the first rule that matches ends it. */
function decision(policy: FamilyPolicy, options: Policy, lists: readonly ListSet[]): Decision {
  const { family } = policy;
  const masquerade = masqueradeRules(policy, options);
  const chain = { name: contentName(`masquerade-${family}`, masquerade), rules: masquerade };
  const [first = '', ...others] = masquerade;
  /** One rule stands wherever it is needed; several are a chain, which nothing returns from. */
  const verdict = others.length === 0 ? first : `goto ${chain.name}`;
  /** The rule for a list; none where the list is empty. */
  const ifListed = (list: ListName, then: string, operator = ''): string[] =>
    lists
      .filter((other) => other.family === family && other.list === list)
      .map(({ set }) => `${set.field} ${operator}@${set.name} ${then}`);
  const rules = [
    ...(policy.masqueradeLinkLocal || keepsLinkLocalBySet(policy)
      ? []
      : [`${protocolOf[family]} daddr ${linkLocal[family].text} ${keep(family)}`]),
    ...ifListed('masqueradeSources', keep(family), '!= '),
    ...ifListed('forceMasquerade', verdict),
    ...ifListed('keepSources', keep(family)),
    ...ifListed('keepDestinations', keep(family)),
    policy.masqueradeOutbound ? verdict : keep(family),
  ];
  return { rules, chains: rules.some((rule) => referencesIn(rule).includes(chain.name)) ? [chain] : [] };
}

function keep(family: Family): string {
  return `counter name "${counters.kept[family]}" return`;
}

/** The rules of each output, in their order, then those for what gets the address of its interface. */
function masqueradeRules({ family, outputs }: FamilyPolicy, options: Policy): string[] {
  const ofOutputs = outputs.flatMap((output) => {
    const match = setsOfOutput(output).map(({ field, name }) => `${field} @${name} `);
    return rulesTo(snatTo(output), family, options).map((rule) => match.join('') + rule);
  });
  return [...ofOutputs, ...rulesTo(masquerading, family, options)];
}

/** A statement that translates sources: as it is, and with a range of ports. */
interface NatStatement {
  readonly plain: string;
  readonly withPorts: (range: string) => string;
}

const masquerading: NatStatement = { plain: 'masquerade', withPorts: (range) => `masquerade to :${range}` };

function snatTo({ address: { family, value } }: PolicyOutput): NatStatement {
  const text = formatNftAddress(family, value);
  const start = `snat ${protocolOf[family]} to`;
  const beforePorts = family === 'ipv4' ? text : `[${text}]`;
  return { plain: `${start} ${text}`, withPorts: (range) => `${start} ${beforePorts}:${range}` };
}

/**
 * The rules that translate whatever meets them.
 *
 * Several port ranges are chosen in proportion to their size by one rule each, with the chance of a range among those
 * that remain, as upstream does with `-m statistic`. A map from a random number to ranges would be shorter, but nft
 * up to 1.0.6 loads it as ranges that end at port 0.
 */
function rulesTo(statement: NatStatement, family: Family, { toPorts, randomFully }: Policy): string[] {
  const count = `counter name "${counters.masqueraded[family]}"`;
  const random = randomFully ? ' fully-random' : '';
  const ranged = portRangeShares(toPorts).map(({ range, size, remaining }) => {
    const chance = size < remaining ? ` numgen random mod ${remaining} < ${size}` : '';
    return `meta l4proto { ${protocolsWithPorts.join(', ')} }${chance} ${count} ${statement.withPorts(formatPortRange(range))}${random}`;
  });
  return [...ranged, `${count} ${statement.plain}${random}`];
}
