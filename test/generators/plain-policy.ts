import { type Address, parseAddress } from '../../src/net/cidr.ts';
import type { PortRange } from '../../src/net/port-range.ts';
import type { Packet } from '../../src/policy/packet.ts';
import type { ListName, Policy } from '../../src/policy/policy.ts';
import { policyWith } from '../builders/policy.ts';

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

/** Nothing is kept but link-local destinations, in both families. */
export const plainPolicy: PlainPolicy = { ipv4: plainFamily, ipv6: plainFamily, randomFully: true, toPorts: [] };

/** The policy with typed entries: the n-th of a list has the line n. */
export function toPolicy(plain: PlainPolicy): Policy {
  return policyWith(plain);
}

/** A packet in few words. */
export function packetOf(source: string, destination: string, protocol?: string): Packet {
  return { source: addressOf(source), destination: addressOf(destination), protocol };
}

export function addressOf(text: string): Address {
  const address = parseAddress(text);
  if (!address) throw new Error(`${text} is not an address`);
  return address;
}
