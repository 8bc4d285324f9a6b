import { type Address, parseAddress } from '../net/address.ts';

/** Names that iptables, nft and /etc/protocols know, by their IANA number; the first is the one that we print. */
const namesByNumber: ReadonlyMap<number, readonly string[]> = new Map([
  [1, ['icmp']],
  [2, ['igmp']],
  [6, ['tcp']],
  [17, ['udp']],
  [33, ['dccp']],
  [47, ['gre']],
  [50, ['esp']],
  [51, ['ah']],
  [58, ['icmpv6', 'ipv6-icmp']],
  [132, ['sctp']],
  [136, ['udplite']],
]);

/** A transport protocol: its name in lower case, or its number as text where it has no name here. */
export type Protocol = string;

/** The first packet of a connection as POSTROUTING sees it. Both addresses are of one family. */
export interface Packet {
  readonly source: Address;
  readonly destination: Address;
  /** Undefined: any protocol. It changes no verdict, only the ports that a masqueraded connection gets. */
  readonly protocol: Protocol | undefined;
}

/** The protocols whose masqueraded source port --to-ports chooses, as upstream's toPortsProtocols. */
export const protocolsWithPorts: readonly Protocol[] = ['tcp', 'udp', 'sctp'];

/** What `parseProtocol` accepts, for messages. */
export const validProtocols = `${[...namesByNumber.values()].flat().join(', ')} or a number from 0 to 255`;

/** Reads the name (in any letter case) or the number of a protocol; undefined where the text is neither. */
export function parseProtocol(text: string): Protocol | undefined {
  const name = text.toLowerCase();
  for (const names of namesByNumber.values()) {
    if (names.includes(name)) return names[0];
  }
  if (!/^\d{1,3}$/.test(text) || Number(text) > 255) return undefined;
  return namesByNumber.get(Number(text))?.[0] ?? String(Number(text));
}

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
