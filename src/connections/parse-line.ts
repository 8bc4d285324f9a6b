import { parseProtocol } from '../policy/packet.ts';
import type { Connection, Tuple } from './connection.ts';

/**
 * A line by `conntrack -L -o extended,id`, the same from conntrack-tools 1.4.7 (Debian 12) to 1.4.8 (Debian 13):
 * family, protocol, (seconds left, state of tcp or sctp,) then the tuple of each direction, then marks and the like.
 * Connections that a flowtable has taken over show neither seconds nor state.
 */
const linePattern =
  /^(ipv4|ipv6) +\d+ (\S+) +(\d+) (?:.*? )?src=(\S+) dst=(\S+) (.*?)\bsrc=(\S+) dst=(\S+) (.*?)\bid=(\d+)\s*$/;
const identityPattern =
  /^(?:sport=(\d+) dport=(\d+)|type=(\d+) code=(\d+) id=(\d+)|srckey=(0x[\da-f]+) dstkey=(0x[\da-f]+))/;
/** `zone=`, or `zone-orig=` and `zone-reply=` where only one direction is in a zone. */
const zonePattern = /\bzone(?:-orig|-reply)?=/;

/**
 * The connection on a line; `other-zone` where it is not in the default zone (what looks like a clash there may be two
 * networks with the same addresses), undefined where the line is none that conntrack prints.
 */
export function parseConnectionLine(line: string): Connection | 'other-zone' | undefined {
  const match = linePattern.exec(line);
  if (match === null) return undefined;
  const [, family, name = '', number = '', source = '', destination = '', between = ''] = match;
  const [replySource = '', replyDestination = '', rest = '', id] = match.slice(7);
  if (zonePattern.test(between) || zonePattern.test(rest)) return 'other-zone';
  return {
    family: family === 'ipv6' ? 'ipv6' : 'ipv4',
    protocol: parseProtocol(number) ?? name,
    protocolNumber: Number(number),
    original: tupleOf(source, destination, between),
    reply: tupleOf(replySource, replyDestination, rest),
    id: Number(id),
  };
}

function tupleOf(source: string, destination: string, text: string): Tuple {
  const [, sport, dport, type, code, echoId, sourceKey, destinationKey] = identityPattern.exec(text) ?? [];
  const sourcePort = sport ?? sourceKey;
  return {
    source,
    destination,
    ports:
      sourcePort === undefined
        ? undefined
        : { source: Number(sourcePort), destination: Number(dport ?? destinationKey) },
    echo: type === undefined ? undefined : { type: Number(type), code: Number(code), id: Number(echoId) },
  };
}
