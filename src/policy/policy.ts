import type { Source } from '../config/source.ts';
import type { Address, Cidr } from '../net/cidr.ts';
import { type Family, families } from '../net/family.ts';
import type { PortRange } from '../net/port-range.ts';

/** A network of the policy and the place in the config that asked for it. */
export interface PolicyEntry {
  readonly cidr: Cidr;
  readonly source: Source;
  /** The DNS name that has this address, where that is what the config says. */
  readonly name?: string;
}

/** One of the node's addresses, and the masqueraded connections that get it. An empty list lets all pass. */
export interface PolicyOutput {
  readonly address: Address;
  readonly destinations: readonly PolicyEntry[];
  readonly sources: readonly PolicyEntry[];
  readonly source: Source;
}

/** An entry of `outputAddresses` that changes nothing on this node just now. */
export interface IdleOutput {
  /** The address or network as written. */
  readonly text: string;
  readonly reason: string;
  readonly source: Source;
}

/**
 * What one address family does with the first packet of a connection. The fields stand in the order in which they
 * decide; the first that matches wins. Before all of them, a destination that is the host's own is kept.
 * Lists are in config order, without exact duplicates, not merged.
 */
export interface FamilyPolicy {
  readonly family: Family;
  /** False only for IPv6 without --enable-ipv6: everything is kept, and the rest of the fields is moot. */
  readonly enabled: boolean;
  /** False: link-local destinations (169.254.0.0/16, fe80::/10) are kept. */
  readonly masqueradeLinkLocal: boolean;
  /** Sources outside this list are kept; an empty list lets every source pass. */
  readonly masqueradeSources: readonly PolicyEntry[];
  /** Destinations that are masqueraded whatever follows. */
  readonly forceMasquerade: readonly PolicyEntry[];
  /** False: everything not masqueraded so far is kept. */
  readonly masqueradeOutbound: boolean;
  readonly keepSources: readonly PolicyEntry[];
  readonly keepDestinations: readonly PolicyEntry[];
  /** Which address masqueraded connections get: the first that matches, else that of the interface they leave by. */
  readonly outputs: readonly PolicyOutput[];
}

/** A family that an empty config would ask for, without the default networks: all but link-local is masqueraded. */
export function emptyFamilyPolicy(family: Family): FamilyPolicy {
  return {
    family,
    enabled: true,
    masqueradeLinkLocal: false,
    masqueradeSources: [],
    forceMasquerade: [],
    masqueradeOutbound: true,
    keepSources: [],
    keepDestinations: [],
    outputs: [],
  };
}

/** The lists of a family, in the order in which they decide. */
export const listNames = ['masqueradeSources', 'forceMasquerade', 'keepSources', 'keepDestinations'] as const;

export type ListName = (typeof listNames)[number];

/** The lists under the names that users write in the config. */
export const listKeys = {
  masqueradeSources: 'masqueradeSrcCIDRs',
  forceMasquerade: 'forceMasqueradeCIDRs',
  keepSources: 'nonMasqueradeSrcCIDRs',
  keepDestinations: 'nonMasqueradeCIDRs',
} as const satisfies Readonly<Record<ListName, string>>;

/** The families as people write them. */
export const familyNames: Readonly<Record<Family, string>> = { ipv4: 'IPv4', ipv6: 'IPv6' };

/** The whole decision, as plain data that every backend renders. */
export interface Policy {
  readonly ipv4: FamilyPolicy;
  readonly ipv6: FamilyPolicy;
  /** Choose masqueraded source ports at random (RFC 6056) instead of keeping the original where possible. */
  readonly randomFully: boolean;
  /** Ranges for the masqueraded source ports of tcp, udp and sctp; empty: the kernel chooses. */
  readonly toPorts: readonly PortRange[];
  /** For people: no rule is made of them. */
  readonly idleOutputs: readonly IdleOutput[];
}

/** How many CIDRs one list has in one family. */
export interface EntryCount {
  /** The list's key in the config. */
  readonly list: string;
  readonly family: Family;
  readonly count: number;
}

/** The sizes of every list in every family, zeros too. */
export function entryCounts(policy: Policy): EntryCount[] {
  return listNames.flatMap((list) =>
    families.map((family) => ({ list: listKeys[list], family, count: policy[family][list].length })),
  );
}

/** `nonMasqueradeCIDRs:3,forceMasqueradeCIDRs:1`, both families together, for a log line; `none` where all are empty. */
export function describeEntryCounts(policy: Policy): string {
  const texts = listNames.flatMap((list) => {
    const count = families.reduce((sum, family) => sum + policy[family][list].length, 0);
    return count > 0 ? [`${listKeys[list]}:${count}`] : [];
  });
  return texts.join(',') || 'none';
}
