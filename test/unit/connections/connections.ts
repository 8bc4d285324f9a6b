import type { Connection, Tuple } from '../../../src/connections/connection.ts';

/** A connection in few words: what it is to the side that opened it, and what was translated. */
export interface Flow {
  readonly protocol?: 'tcp' | 'udp' | 'icmp';
  readonly source?: string;
  readonly destination?: string;
  readonly port?: number;
  readonly sourcePort?: number;
  /** What the destination was translated to. */
  readonly to?: string;
  /** The source address that the destination sees. */
  readonly as?: string;
  /** The source port that the destination sees. */
  readonly asPort?: number;
}

const numbers = { tcp: 6, udp: 17, icmp: 1 } as const;
let made = 0;

export function connectionOf(flow: Flow): Connection {
  const { protocol = 'udp', source = '10.244.7.2', destination = '203.0.113.8', port = 53, sourcePort = 40_000 } = flow;
  const tuple = (from: string, to: string, fromPort: number, toPort: number): Tuple => ({
    source: from,
    destination: to,
    ports: protocol === 'icmp' ? undefined : { source: fromPort, destination: toPort },
    echo: protocol === 'icmp' ? { type: 8, code: 0, id: fromPort } : undefined,
  });
  return {
    family: source.includes(':') ? 'ipv6' : 'ipv4',
    protocol,
    protocolNumber: numbers[protocol],
    original: tuple(source, destination, sourcePort, port),
    reply: tuple(flow.to ?? destination, flow.as ?? source, port, flow.asPort ?? sourcePort),
    id: made++,
  };
}
