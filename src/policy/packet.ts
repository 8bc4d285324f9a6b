import type { Address } from '../net/address.ts';
import type { Protocol } from './protocol.ts';

/** The first packet of a connection as POSTROUTING sees it. Both addresses are of one family. */
export interface Packet {
  readonly source: Address;
  readonly destination: Address;
  /** Undefined: any protocol. It changes no verdict, only the ports that a masqueraded connection gets. */
  readonly protocol: Protocol | undefined;
}
