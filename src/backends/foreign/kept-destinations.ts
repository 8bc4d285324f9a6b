import { mergeCidrs } from '../../net/cidr.ts';
import { difference, everyAddress, type IpSet, union } from '../../net/ip-set.ts';
import { linkLocal } from '../../policy/decide.ts';
import type { FamilyPolicy, PolicyEntry } from '../../policy/policy.ts';

/** The destinations that this agent keeps, for some source at least. A family that is off is nobody's affair: none. */
export function keptDestinations(policy: FamilyPolicy): IpSet {
  const { family } = policy;
  if (!policy.enabled) return [];
  // A source outside of the list is kept wherever it goes.
  if (policy.masqueradeSources.length > 0) return everyAddress(family);
  const keepsAnywhere = !policy.masqueradeOutbound || policy.keepSources.length > 0;
  const listed = keepsAnywhere ? everyAddress(family) : networksOf(policy.keepDestinations);
  const kept = difference(listed, networksOf(policy.forceMasquerade), family);
  return policy.masqueradeLinkLocal ? kept : union(mergeCidrs([linkLocal[family]]), kept);
}

function networksOf(entries: readonly PolicyEntry[]): IpSet {
  return mergeCidrs(entries.map(({ cidr }) => cidr));
}
