import type { Source } from '../config/source.ts';
import type { Cidr } from '../net/cidr.ts';
import type { Family } from '../net/family.ts';
import type { PortRange } from '../net/port-range.ts';

/** A network of the policy and the place in the config that asked for it. */
export interface PolicyEntry {
  readonly cidr: Cidr;
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

/** The whole decision, as plain data that every backend renders. */
export interface Policy {
  readonly ipv4: FamilyPolicy;
  readonly ipv6: FamilyPolicy;
  /** Choose masqueraded source ports at random (RFC 6056) instead of keeping the original where possible. */
  readonly randomFully: boolean;
  /** Ranges for the masqueraded source ports of tcp, udp and sctp; empty: the kernel chooses. */
  readonly toPorts: readonly PortRange[];
}
