import type { Family } from './family.ts';

/** A network in CIDR notation, host bits zero. */
export interface Cidr {
  readonly family: Family;
  /** First address of the network as an unsigned integer of 32 or 128 bits. */
  readonly network: bigint;
  readonly prefix: number;
  /** Canonical text: dotted decimal, or RFC 5952, then `/prefix`. */
  readonly text: string;
}
