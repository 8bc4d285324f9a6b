import type { Config, Problem } from '../config/config.ts';
import { problemAt, problemOf } from '../config/problems.ts';
import { describeSource } from '../config/source.ts';
import { type Cidr, cidrOf, coveringCidrs, mergeCidrs, rangeOf } from '../net/cidr.ts';
import { isName } from '../net/dns-name.ts';
import { addressBits, type Family, families } from '../net/family.ts';
import { difference, type IpSet, intersection, meets } from '../net/ip-set.ts';
import type { PodRoute } from '../net/pod-route.ts';
import { type FamilyPolicy, listKeys, type Policy, type PolicyEntry } from './policy.ts';
import { stagesOf } from './regions.ts';

/** As many networks, or devices, as a line has room for. */
const shownItems = 5;

/** Where single Pods have their addresses is told by networks of this size, so that it does not change with each Pod. */
const neighbourhoods: Readonly<Record<Family, number>> = { ipv4: 24, ipv6: 64 };

/**
 * A warning for each family in which Pods that this node has routes to are destinations that Pods are masqueraded
 * towards, only because `nonMasqueradeCIDRs` leaves them out. An empty list is left to the warning that it has anyway.
 */
export function lintPodNetworks(policy: Policy, config: Config, routes: readonly PodRoute[]): Problem[] {
  if (config.nonMasqueradeCIDRs.length === 0) return [];
  return families.flatMap((family) => {
    const ofFamily = routes.filter(({ cidr }) => cidr.family === family);
    const leftOut = leftOutOf(policy[family], mergeCidrs(ofFamily.map(({ cidr }) => cidr)));
    return leftOut.length === 0 ? [] : [warningOf(leftOut, ofFamily, config)];
  });
}

/**
 * Of the addresses of Pods, those that the last step masquerades as destinations, where that is so for any Pod as a
 * source. What `forceMasqueradeCIDRs` masquerades is meant.
 */
export function leftOutOf(policy: FamilyPolicy, pods: IpSet): IpSet {
  if (pods.length === 0) return [];
  // Of a long list, the networks of others take most of the time and decide nothing here.
  const about = (entries: readonly PolicyEntry[]) => entries.filter(({ cidr }) => meets(pods, rangeOf(cidr)));
  const { forceMasquerade, keepDestinations } = policy;
  const last = stagesOf({
    ...policy,
    forceMasquerade: about(forceMasquerade),
    keepDestinations: about(keepDestinations),
  }).at(-1);
  if (!last || intersection(last.taken.sources, pods).length === 0) return [];
  return intersection(last.taken.destinations, pods);
}

/** Told at the entry of the family, else of another one: a family may have none yet. */
function warningOf(leftOut: IpSet, routes: readonly PodRoute[], config: Config): Problem {
  const [family] = routes.map(({ cidr }) => cidr.family);
  const entries = config.nonMasqueradeCIDRs;
  const source = (entries.find(({ value }) => !isName(value) && value.family === family) ?? entries[0])?.source;
  const { exact, around } = networksOf(leftOut, routes);
  const devices = routes.filter(({ cidr }) => meets(leftOut, rangeOf(cidr))).map(({ device }) => device);
  const message =
    `${listKeys.keepDestinations} leaves out Pods, those behind ${listed(devices.toSorted())} in ` +
    `${listed([...exact, ...around])}: other Pods reach them with the address of the node`;
  const isWritten = typeof source === 'object' && 'file' in source;
  const added = `the network of all Pods${exact.length > 0 ? `, at least ${listed(exact)}` : ''}`;
  const expected = isWritten
    ? `${added}, among its entries`
    : `it in a config, with what it has by default and ${added}`;
  return isWritten
    ? problemAt(source, { message, expected })
    : problemOf(describeSource(source ?? 'default'), { message, expected });
}

/** What is left out, in networks: exactly where whole networks are routed, and roughly where single Pods are. */
function networksOf(leftOut: IpSet, routes: readonly PodRoute[]): Readonly<Record<'exact' | 'around', string[]>> {
  const cidrs = routes.map(({ cidr }) => cidr);
  const [family = 'ipv4'] = cidrs.map((cidr) => cidr.family);
  const wide = mergeCidrs(cidrs.filter(({ prefix }) => prefix < addressBits[family]));
  const singles = coveringCidrs(difference(leftOut, wide, family), family);
  return {
    exact: coveringCidrs(intersection(leftOut, wide), family).map(({ text }) => text),
    around: singles.map((cidr) => neighbourhoodOf(cidr).text),
  };
}

function neighbourhoodOf(cidr: Cidr): Cidr {
  const { family, network } = cidr;
  const hostBits = BigInt(addressBits[family] - neighbourhoods[family]);
  if (cidr.prefix <= neighbourhoods[family]) return cidr;
  return cidrOf({ network: (network >> hostBits) << hostBits, prefix: neighbourhoods[family] }, family);
}

function listed(texts: readonly string[]): string {
  const each = [...new Set(texts)];
  const more = each.length - shownItems;
  return each.slice(0, shownItems).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
