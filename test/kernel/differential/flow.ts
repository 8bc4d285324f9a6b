import * as fc from 'fast-check';
import { formatAddress } from '../../../src/net/cidr.ts';
import type { Family } from '../../../src/net/family.ts';
import { type Bits, numberOf, parseBits } from '../../generators/bits.ts';
import type { NaivePacket } from '../../generators/naive-decision.ts';
import type { PlainPolicy } from '../../generators/plain-policy.ts';
import { type PacketAim, packetAims, takeAim } from '../../generators/policies.ts';
import type { Flow, Protocol, Side } from '../harness/test-bed.ts';
import { addresses } from '../harness/topology.ts';

interface PlannedPacket extends NaivePacket {
  /** Whether the destination is an address of the node. */
  readonly isLocal: boolean;
}

/** A connection that the test bed can make, and what the models have to know of it. */
export interface PlannedFlow extends PlannedPacket {
  readonly flow: Required<Flow>;
  /** The address that masquerading gives it: that of the interface by which it leaves the node. */
  readonly masqueradeAddress: string;
}

export interface FlowAim extends PacketAim {
  readonly from: Side;
  readonly protocol: Protocol;
  /** If given, it goes to one of the node's own addresses, whatever the aim of the packet: this one, counted round. */
  readonly toNode: number | undefined;
}

function weighted<T>(choices: readonly (readonly [value: T, weight: number])[]): fc.Arbitrary<T> {
  return fc.oneof(...choices.map(([value, weight]) => ({ arbitrary: fc.constant(value), weight })));
}

/** Mostly UDP from the pod; a ping costs as much as a hundred packets. */
export const flowAims: fc.Arbitrary<FlowAim> = fc
  .record({
    packet: packetAims,
    from: weighted<Side>([
      ['pod', 6],
      ['world', 2],
      ['node', 2],
    ]),
    protocol: weighted<Protocol>([
      ['udp', 90],
      ['tcp', 9],
      ['icmp', 1],
    ]),
    toNode: fc.oneof({ arbitrary: fc.constant(undefined), weight: 19 }, { arbitrary: fc.nat({ max: 11 }), weight: 1 }),
  })
  .map(({ packet, ...rest }) => ({ ...packet, ...rest }));

/** The node's own addresses. The loopback ones, last, can be reached from the node only. */
export const nodeAddresses: Readonly<Record<Family, readonly string[]>> = {
  ipv4: [addresses.ipv4.node, addresses.ipv4.nodeTowardsPod, '127.9.9.9'],
  ipv6: [addresses.ipv6.node, addresses.ipv6.nodeTowardsPod, addresses.linkLocal.node, '::1'],
};
const ownAddresses = Object.values(nodeAddresses).flat().map(parseBits);
const podAddresses = [addresses.ipv4.pod, addresses.ipv6.pod, addresses.linkLocal.pod].map(parseBits);

/** Addresses that no socket can use or no router forwards: this network, loopback, IPv4-mapped, multicast, broadcast. */
const unusable: Readonly<Record<Family, RegExp>> = {
  ipv4: /^(0{8}|01111111|111)/,
  ipv6: /^(0{127}|0{80}1{16}|1{8})/,
};

/** The flow that an aim means under this policy; undefined where it can't be made or its verdict can't be seen. */
export function planFlow(policy: PlainPolicy, aim: FlowAim): PlannedFlow | undefined {
  const { family, protocol } = aim;
  const aimed = takeAim(policy, aim);
  const target = ownAddress(aim) ?? aimed.destination;
  const toLinkLocalIPv6 = isLinkLocalIPv6(target);
  const isLocal = ownAddresses.includes(target);
  // No router forwards to link-local or loopback addresses: only the node itself can send there.
  const from = toLinkLocalIPv6 || unusable[family].test(target) ? 'node' : aim.from;
  // The node has to send from the address that masquerading towards world does not give, to show a difference.
  const source = from === 'node' ? parseBits(addresses[family].nodeTowardsPod) : aimed.source;
  const packet = {
    family,
    source,
    destination: target,
    isLocal,
  };
  if (!canBeSent(packet, from) || !canBeSeen(packet, from, protocol)) return undefined;
  const destination = formatAddress(family, numberOf(target));
  return {
    ...packet,
    masqueradeAddress: masqueradeAddress(family, from, toLinkLocalIPv6),
    flow: {
      from,
      protocol,
      source: formatAddress(family, numberOf(source)),
      destination: toLinkLocalIPv6 ? `${destination}%world` : destination,
    },
  };
}

function ownAddress({ family, toNode }: FlowAim): Bits | undefined {
  const own = nodeAddresses[family];
  const text = toNode === undefined ? undefined : own[toNode % own.length];
  return text === undefined ? undefined : parseBits(text);
}

function isLinkLocalIPv6(address: Bits): boolean {
  return address.length === 128 && address.startsWith('1111111010');
}

function canBeSent({ family, source, destination, isLocal }: PlannedPacket, from: Side): boolean {
  if (unusable[family].test(source) || (unusable[family].test(destination) && !isLocal)) return false;
  return from === 'node' || !(ownAddresses.includes(source) || isLinkLocalIPv6(source));
}

function canBeSeen({ destination, isLocal }: PlannedPacket, from: Side, protocol: Protocol): boolean {
  // Towards the pod, the node sends from the address that masquerading gives.
  if (from === 'node' && podAddresses.includes(destination)) return false;
  // Echo requests are observed in world only.
  if (protocol === 'icmp') return from !== 'world' && !isLocal;
  // The node would not answer borrowed addresses to the side that they come from, nor from a link-local address.
  if (protocol === 'tcp' && isLocal) return from === 'node' && !isLinkLocalIPv6(destination);
  return true;
}

function masqueradeAddress(family: Family, from: Side, toLinkLocalIPv6: boolean): string {
  if (toLinkLocalIPv6) return addresses.linkLocal.node;
  return from === 'world' ? addresses[family].nodeTowardsPod : addresses[family].node;
}
