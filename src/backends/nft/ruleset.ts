import { sha256 } from '../../digest.ts';
import { type Family, families } from '../../net/family.ts';
import { type FamilyPolicy, type ListName, listNames, type Policy, type PolicyEntry } from '../../policy/policy.ts';
import { setElements } from './elements.ts';
import { masqueradeRules } from './masquerade.ts';
import { counters, setNames, spareEndings } from './names.ts';

/** A set of addresses of one family, under its full name. */
export interface NftSet {
  readonly name: string;
  readonly type: 'ipv4_addr' | 'ipv6_addr';
  /** Made when they are first asked for. */
  readonly elements: readonly string[];
}

/** A chain without a hook; the rules are in nft's own spelling. */
export interface NftChain {
  readonly name: string;
  readonly rules: readonly string[];
}

/** What the table holds for one policy: everything but the base chain. Chains stand after those that they refer to. */
export interface Ruleset {
  /** The chain that the base chain jumps to. */
  readonly entry: string;
  readonly sets: readonly NftSet[];
  readonly chains: readonly NftChain[];
}

/** The set that holds one list of a policy. */
interface ListSet extends NftSet {
  readonly list: ListName;
  readonly family: Family;
}

/** Length of the hash in names: 48 bits tell apart any policies that one node will ever see. */
const hashLength = 12;

/** Of lists, which may be long, and of policies: once is enough. */
const knownHashes = new WeakMap<readonly PolicyEntry[] | Policy, string>();

/**
 * The ruleset of a policy. Equal policies give equal rulesets, whatever the order of their lists. Names for which
 * `isTaken` holds are left to what bears them, and spare ones used instead.
 */
export function buildRuleset(policy: Policy, isTaken: (name: string) => boolean = () => false): Ruleset {
  const sets = listSets(policy);
  const hash = knownHashes.get(policy) ?? hashOf(JSON.stringify(policyChains(policy, sets, '')));
  knownHashes.set(policy, hash);
  const usualNames = policyChains(policy, sets, hash).map(({ name }) => name);
  const suffix = hash + freeEnding(usualNames, isTaken);
  const placed = sets.map((set) => renamed(set, set.name + freeEnding([set.name], isTaken)));
  return { entry: entryName(suffix), sets: placed, chains: policyChains(policy, placed, suffix) };
}

/** Gives a policy that is never to be told from others names without a hash, which take no time to make. */
export function nameFreely(policy: Policy, name: string): void {
  knownHashes.set(policy, name);
  for (const family of families) for (const list of listNames) knownHashes.set(policy[family][list], name);
}

/** The first ending under which none of the names is taken. */
function freeEnding(names: readonly string[], isTaken: (name: string) => boolean): string {
  return spareEndings.find((ending) => !names.some((name) => isTaken(name + ending))) ?? '';
}

function hashOf(text: string): string {
  return sha256(text).slice(0, hashLength);
}

function enabledFamilies(policy: Policy): Family[] {
  return families.filter((family) => policy[family].enabled);
}

function listSets(policy: Policy): ListSet[] {
  return enabledFamilies(policy).flatMap((family) =>
    listNames.filter((list) => policy[family][list].length > 0).map((list) => listSet(policy[family], list)),
  );
}

/** A set whose name tells its content, so that a list that stays the same in a new policy need not be filled again. */
function listSet(policy: FamilyPolicy, list: ListName): ListSet {
  const { family } = policy;
  const entries = policy[list];
  let made: readonly string[] | undefined;
  const elements = (): readonly string[] => {
    made ??= setElements(
      family,
      entries.map(({ cidr }) => cidr),
    );
    return made;
  };
  const hash = knownHashes.get(entries) ?? hashOf(elements().join());
  knownHashes.set(entries, hash);
  return {
    list,
    family,
    name: `${setNames[list]}-${family}-${hash}`,
    type: family === 'ipv4' ? 'ipv4_addr' : 'ipv6_addr',
    get elements() {
      return elements();
    },
  };
}

function renamed(set: ListSet, name: string): ListSet {
  // Not a spread, which would make the elements.
  const { list, family, type } = set;
  return {
    list,
    family,
    name,
    type,
    get elements() {
      return set.elements;
    },
  };
}

/** The chains that decide, which end with the suffix and refer to the sets. */
function policyChains(policy: Policy, sets: readonly ListSet[], suffix: string): NftChain[] {
  return [
    ...enabledFamilies(policy).flatMap((family) => familyChains(policy[family], policy, sets, suffix)),
    { name: entryName(suffix), rules: entryRules(policy, suffix) },
  ];
}

function entryName(suffix: string): string {
  return `policy-${suffix}`;
}

function familyChains(policy: FamilyPolicy, options: Policy, sets: readonly ListSet[], suffix: string): NftChain[] {
  const { family } = policy;
  return [
    { name: `masquerade-${family}-${suffix}`, rules: masqueradeRules(family, options.toPorts, options.randomFully) },
    { name: `${family}-${suffix}`, rules: decisionRules(policy, sets, suffix) },
  ];
}

/** The first steps of the decision, common to both families. */
function entryRules(policy: Policy, suffix: string): string[] {
  return [
    // The host's own addresses, as upstream's `! --dst-type LOCAL`: not counted, since nothing leaves the node.
    'fib daddr type local return',
    // Its own link-local IPv6 addresses, which fib looks for on the interface that their packets leave by: lo.
    'ip6 daddr fe80::/10 oifname "lo" return',
    ...(policy.ipv6.enabled
      ? [`meta nfproto vmap { ipv4 : goto ipv4-${suffix}, ipv6 : goto ipv6-${suffix} }`]
      : [`meta nfproto ipv6 counter name "${counters.kept.ipv6}" return`, `goto ipv4-${suffix}`]),
  ];
}

/** Steps 3 to 9 of the decision, in order; the first rule that matches ends it. */
function decisionRules(policy: FamilyPolicy, sets: readonly ListSet[], suffix: string): string[] {
  const { family } = policy;
  const ip = family === 'ipv4' ? 'ip' : 'ip6';
  const keep = `counter name "${counters.kept[family]}" return`;
  const masquerade = `goto masquerade-${family}-${suffix}`;
  const linkLocal = family === 'ipv4' ? '169.254.0.0/16' : 'fe80::/10';
  /** The rule for a list; none where the list is empty. */
  const ifListed = (field: string, list: ListName, verdict: string): string[] =>
    sets
      .filter((set) => set.family === family && set.list === list)
      .map(({ name }) => `${ip} ${field} @${name} ${verdict}`);

  return [
    ...(policy.masqueradeLinkLocal ? [] : [`${ip} daddr ${linkLocal} ${keep}`]),
    ...ifListed('saddr !=', 'masqueradeSources', keep),
    ...ifListed('daddr', 'forceMasquerade', masquerade),
    ...(policy.masqueradeOutbound
      ? [...ifListed('saddr', 'keepSources', keep), ...ifListed('daddr', 'keepDestinations', keep), masquerade]
      : [keep]),
  ];
}
