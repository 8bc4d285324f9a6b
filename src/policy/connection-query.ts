import { type Address, parseAddress } from '../net/address.ts';
import type { Packet } from './packet.ts';
import { parseProtocol, validProtocols } from './protocol.ts';

/** A connection as a user names it: the flags --src, --dst and --proto. */
export interface ConnectionQuery {
  readonly source: string;
  readonly destination: string;
  readonly protocol?: string | undefined;
}

/** What reading a query came to; `message` says what is wrong and what would be valid. */
export type QueryReading =
  | { readonly ok: true; readonly packet: Packet }
  | { readonly ok: false; readonly message: string };

/** Reads a query into the first packet of that connection. */
export function parseConnectionQuery(query: ConnectionQuery): QueryReading {
  const source = readAddress('source', query.source);
  if (typeof source === 'string') return { ok: false, message: source };
  const destination = readAddress('destination', query.destination);
  if (typeof destination === 'string') return { ok: false, message: destination };
  if (source.family !== destination.family) {
    const addresses = `"${query.source}" and "${query.destination}"`;
    return { ok: false, message: `${addresses} are not of the same family; expected two IPv4 or two IPv6 addresses` };
  }
  const protocol = query.protocol === undefined ? undefined : parseProtocol(query.protocol);
  if (protocol === undefined && query.protocol !== undefined) {
    return { ok: false, message: `"${query.protocol}" is not a protocol; expected ${validProtocols}` };
  }
  return { ok: true, packet: { source, destination, protocol } };
}

/** The address, or what is wrong with it. */
function readAddress(role: string, text: string): Address | string {
  const address = parseAddress(text);
  if (address && !isIPv4Mapped(address)) return address;
  const expected = address
    ? 'the IPv4 address itself: packets never carry the IPv4-mapped form'
    : 'one IPv4 or IPv6 address without a prefix length or zone, e.g. 10.1.2.3 or 2001:db8::1';
  return `"${text}" can't be the ${role} of a connection; expected ${expected}`;
}

/** RFC 4291, section 2.5.5.2. */
function isIPv4Mapped({ family, value }: Address): boolean {
  return family === 'ipv6' && value >> 32n === 0xffffn;
}
