import { sha256 } from '../../digest.ts';
import { type Family, families } from '../../net/family.ts';
import { type FamilyPolicy, type ListName, listNames, type Policy } from '../../policy/policy.ts';
import { setElements } from './elements.ts';
import { masqueradeRules } from './masquerade.ts';
import { counters, policyChain, type Slot, setNames, suffixOf } from './names.ts';

/** A set of addresses of one family, under its full name. */
export interface NftSet {
  readonly name: string;
  readonly type: 'ipv4_addr' | 'ipv6_addr';
  readonly elements: readonly string[];
}

/** A chain without a hook; the rules are in nft's own spelling. */
export interface NftChain {
  readonly name: string;
  readonly rules: readonly string[];
}

/** What the table holds for one policy: everything but the base chain. Chains stand after those that they refer to. */
export interface Ruleset {
  readonly suffix: string;
  readonly sets: readonly NftSet[];
  readonly chains: readonly NftChain[];
}

/** Length of the hash in names: 48 bits tell apart any policies that one node will ever see. */
const hashLength = 12;

/** Hashing reads every element: once per policy is enough. */
const knownHashes = new WeakMap<Policy, string>();

/** The ruleset of a policy. Equal policies give equal rulesets, whatever the order of their lists. */
export function buildRuleset(policy: Policy, slot: Slot = 'regular'): Ruleset {
  return namedRuleset(policy, suffixOf(hashOf(policy), slot));
}

/** The names of the chains of a policy's ruleset, without the cost of its sets where the policy is known. */
export function chainNames(policy: Policy): string[] {
  return namedChains(policy, suffixOf(hashOf(policy), 'regular')).map(({ name }) => name);
}

function hashOf(policy: Policy): string {
  const known = knownHashes.get(policy);
  if (known !== undefined) return known;
  const hash = sha256(JSON.stringify(namedRuleset(policy, ''))).slice(0, hashLength);
  knownHashes.set(policy, hash);
  return hash;
}

/** The ruleset of a policy under other names than its own. */
export function namedRuleset(policy: Policy, suffix: string): Ruleset {
  const sets = enabledFamilies(policy).flatMap((family) => familySets(policy[family], suffix));
  return { suffix, sets, chains: namedChains(policy, suffix) };
}

function namedChains(policy: Policy, suffix: string): NftChain[] {
  return [
    ...enabledFamilies(policy).flatMap((family) => familyChains(policy[family], policy, suffix)),
    { name: policyChain(suffix), rules: entryRules(policy, suffix) },
  ];
}

function enabledFamilies(policy: Policy): Family[] {
  return families.filter((family) => policy[family].enabled);
}

function familySets(policy: FamilyPolicy, suffix: string): NftSet[] {
  return listNames
    .filter((list) => policy[list].length > 0)
    .map((list) => ({
      name: setName(list, policy, suffix),
      type: policy.family === 'ipv4' ? 'ipv4_addr' : 'ipv6_addr',
      elements: setElements(
        policy.family,
        policy[list].map(({ cidr }) => cidr),
      ),
    }));
}

function setName(list: ListName, { family }: FamilyPolicy, suffix: string): string {
  return `${setNames[list]}-${family}-${suffix}`;
}

function familyChains(policy: FamilyPolicy, { randomFully, toPorts }: Policy, suffix: string): NftChain[] {
  const { family } = policy;
  return [
    { name: `masquerade-${family}-${suffix}`, rules: masqueradeRules(family, toPorts, randomFully) },
    { name: `${family}-${suffix}`, rules: decisionRules(policy, suffix) },
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
function decisionRules(policy: FamilyPolicy, suffix: string): string[] {
  const { family } = policy;
  const ip = family === 'ipv4' ? 'ip' : 'ip6';
  const keep = `counter name "${counters.kept[family]}" return`;
  const masquerade = `goto masquerade-${family}-${suffix}`;
  const linkLocal = family === 'ipv4' ? '169.254.0.0/16' : 'fe80::/10';
  const inList = (field: 'saddr' | 'daddr', list: ListName, negated = false): string =>
    `${ip} ${field} ${negated ? '!= ' : ''}@${setName(list, policy, suffix)}`;
  const has = (list: ListName): boolean => policy[list].length > 0;

  return [
    ...(policy.masqueradeLinkLocal ? [] : [`${ip} daddr ${linkLocal} ${keep}`]),
    ...(has('masqueradeSources') ? [`${inList('saddr', 'masqueradeSources', true)} ${keep}`] : []),
    ...(has('forceMasquerade') ? [`${inList('daddr', 'forceMasquerade')} ${masquerade}`] : []),
    ...(policy.masqueradeOutbound
      ? [
          ...(has('keepSources') ? [`${inList('saddr', 'keepSources')} ${keep}`] : []),
          ...(has('keepDestinations') ? [`${inList('daddr', 'keepDestinations')} ${keep}`] : []),
          masquerade,
        ]
      : [keep]),
  ];
}
