import type { Position } from '../../src/config/provenance.ts';
import { type Address, type Cidr, parseAddress, parseCidr } from '../../src/net/cidr.ts';
import type { Family } from '../../src/net/family.ts';
import type { PortRange } from '../../src/net/port-range.ts';
import type { Packet } from '../../src/policy/packet.ts';
import type { FamilyPolicy, ListName, Policy, PolicyEntry } from '../../src/policy/policy.ts';

/** What one family does, with CIDRs as text: the form in which tests state, generate and print policies. */
export interface PlainFamilyPolicy extends Readonly<Record<ListName, readonly string[]>> {
  readonly enabled: boolean;
  readonly masqueradeLinkLocal: boolean;
  readonly masqueradeOutbound: boolean;
}

export interface PlainPolicy {
  readonly ipv4: PlainFamilyPolicy;
  readonly ipv6: PlainFamilyPolicy;
  readonly randomFully: boolean;
  readonly toPorts: readonly PortRange[];
}

/** A family that masquerades everything but link-local destinations. */
export const plainFamily: PlainFamilyPolicy = {
  enabled: true,
  masqueradeLinkLocal: false,
  masqueradeSources: [],
  forceMasquerade: [],
  masqueradeOutbound: true,
  keepSources: [],
  keepDestinations: [],
};

export const plainPolicy: PlainPolicy = { ipv4: plainFamily, ipv6: plainFamily, randomFully: true, toPorts: [] };

/** The policy with typed entries. The n-th entry of a list has the line n of a file named for the family and list. */
export function toPolicy({ ipv4, ipv6, randomFully, toPorts }: PlainPolicy): Policy {
  return { ipv4: toFamilyPolicy('ipv4', ipv4), ipv6: toFamilyPolicy('ipv6', ipv6), randomFully, toPorts };
}

function toFamilyPolicy(family: Family, plain: PlainFamilyPolicy): FamilyPolicy {
  const entries = (list: ListName): PolicyEntry[] =>
    plain[list].map((text, index) => ({ cidr: cidrOf(text), source: entryPosition(family, list, index) }));
  return {
    family,
    enabled: plain.enabled,
    masqueradeLinkLocal: plain.masqueradeLinkLocal,
    masqueradeSources: entries('masqueradeSources'),
    forceMasquerade: entries('forceMasquerade'),
    masqueradeOutbound: plain.masqueradeOutbound,
    keepSources: entries('keepSources'),
    keepDestinations: entries('keepDestinations'),
  };
}

export function entryPosition(family: Family, list: ListName, index: number): Position {
  return { file: `${family}-${list}`, line: index + 1, column: 1 };
}

export function packetOf(source: string, destination: string, protocol?: string): Packet {
  return { source: addressOf(source), destination: addressOf(destination), protocol };
}

export function cidrOf(text: string): Cidr {
  const cidr = parseCidr(text);
  if (!cidr) throw new Error(`${text} is not a CIDR`);
  return cidr;
}

export function addressOf(text: string): Address {
  const address = parseAddress(text);
  if (!address) throw new Error(`${text} is not an address`);
  return address;
}
