import type { Family } from './family.ts';

/** An address of the node, as the kernel tells it (rtnetlink(7), RTM_NEWADDR). */
export interface NodeAddress {
  readonly family: Family;
  readonly value: bigint;
  readonly prefix: number;
  readonly interface: string;
  /** Whether it is good anywhere (RT_SCOPE_UNIVERSE), not only on a link or on the host. */
  readonly isGlobal: boolean;
  /** Tentative or deprecated: not to be used for new connections (RFC 4862). */
  readonly isUnusable: boolean;
  /** A temporary address of IPv6's privacy extensions (RFC 8981). */
  readonly isTemporary: boolean;
  /** Another address of its network was there before. */
  readonly isSecondary: boolean;
  readonly isLoopback: boolean;
}
