import { type Cidr, coveringCidrs, mergeCidrs } from '../net/cidr.ts';
import { addressBits, type Family, families } from '../net/family.ts';
import { difference } from '../net/ip-set.ts';
import type { FamilyPolicy, Policy, PolicyEntry } from '../policy/policy.ts';

/** The lists in which names may stand. */
export type DestinationList = 'forceMasquerade' | 'keepDestinations';

/** What one list has in the kernel. */
export interface HeldDestinations {
  readonly family: Family;
  readonly list: DestinationList;
  readonly cidrs: readonly Cidr[];
  /** Whether adjacent networks were made one; else they stand in the order of the config. */
  readonly isMerged: boolean;
}

/**
 * The policy with those addresses that the kernel's lists have beyond it, where names of which nothing is known stand in
 * them: what such a name stands for is taken as it is, and so is no drift. Where nothing was merged, whole networks beyond
 * the policy are no name's.
 */
export function withHeldDestinations(
  policy: Policy,
  lists: ReadonlySet<DestinationList>,
  held: readonly HeldDestinations[],
): Policy {
  const adopt = (familyPolicy: FamilyPolicy): FamilyPolicy => {
    const ofFamily = held.filter(({ family, list }) => family === familyPolicy.family && lists.has(list));
    const adopted = ofFamily.map((one) => [one.list, entriesWith(familyPolicy[one.list], one)]);
    return { ...familyPolicy, ...Object.fromEntries(adopted) };
  };
  return { ...policy, ipv4: adopt(policy.ipv4), ipv6: adopt(policy.ipv6) };
}

function entriesWith(
  known: readonly PolicyEntry[],
  { family, cidrs, isMerged }: HeldDestinations,
): readonly PolicyEntry[] {
  if (isMerged) {
    const own = mergeCidrs(known.map(({ cidr }) => cidr));
    return [...known, ...coveringCidrs(difference(mergeCidrs(cidrs), own, family), family).map(adoptedEntry)];
  }
  const byText = new Map(known.map((entry) => [entry.cidr.text, entry]));
  const isName = ({ text, prefix }: Cidr): boolean => !byText.has(text) && prefix === addressBits[family];
  const inOrder = cidrs.flatMap((cidr) => byText.get(cidr.text) ?? (isName(cidr) ? [adoptedEntry(cidr)] : []));
  const isWhole = known.every((entry) => inOrder.includes(entry));
  return isWhole ? inOrder : [...known, ...cidrs.filter(isName).map(adoptedEntry)];
}

function adoptedEntry(cidr: Cidr): PolicyEntry {
  return { cidr, source: 'default' };
}

/** One for each family and list. */
export function eachDestinationList<T>(make: (family: Family, list: DestinationList) => T): readonly T[] {
  return families.flatMap((family) => [make(family, 'forceMasquerade'), make(family, 'keepDestinations')]);
}
