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
