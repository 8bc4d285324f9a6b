import type { Family } from '../net/family.ts';
import type { Protocol } from '../policy/packet.ts';

/** One connection of the kernel's table (conntrack(8)): how its packets look in each direction. */
export interface Connection {
  readonly family: Family;
  readonly protocol: Protocol;
  /** The IANA number of the protocol. */
  readonly protocolNumber: number;
  /** What the packets of the side that opened it look like before any translation. */
  readonly original: Tuple;
  /** What the answers look like when they come in: the mirror of `original`, but for what was translated. */
  readonly reply: Tuple;
  /** The kernel's name for this very entry (CTA_ID): a later one with the same addresses and ports has another. */
  readonly id: number;
}

/** Addresses in canonical text, and what tells connections between them apart. */
export interface Tuple {
  readonly source: string;
  readonly destination: string;
  /** Ports, or the keys of GRE; undefined for protocols that have none. */
  readonly ports: { readonly source: number; readonly destination: number } | undefined;
  /** Of ICMP and ICMPv6. */
  readonly echo: { readonly type: number; readonly code: number; readonly id: number } | undefined;
}

/** Whether the source address was translated. */
export function isSourceTranslated({ original, reply }: Connection): boolean {
  return reply.destination !== original.source;
}

/** Whether the destination, address or port, was translated. */
export function isDestinationTranslated({ original, reply }: Connection): boolean {
  return reply.source !== original.destination || reply.ports?.source !== original.ports?.destination;
}
