import type { PortRange } from '../net/port-range.ts';
import { protocolsWithPorts } from '../policy/packet.ts';
import { BoundedCounter } from './bounded-counter.ts';
import type { Connection } from './connection.ts';

/** How many source ports connections to one destination use of one address of the node. */
export interface PortUse {
  readonly protocol: string;
  readonly destination: string;
  readonly port: number;
  /** The address that the destination sees. */
  readonly address: string;
  readonly used: number;
  readonly available: number;
  /** Between 0 and 1. */
  readonly share: number;
}

/** The ports that the kernel gives to masqueraded connections where no range is named. */
const usualRange: PortRange = { first: 1024, last: 65_535 };

/** Most destinations to remember: each takes about 150 bytes. */
const maxDestinations = 8_192;

/**
 * Counts source ports in use. The kernel gives a port of an address once per protocol, destination and destination
 * port, so each connection uses one.
 */
export class PortCount {
  readonly #ranges: readonly PortRange[];
  readonly #available: number;
  readonly #uses = new BoundedCounter(maxDestinations);

  /** `toPorts` as in the policy; `budget`: ports per destination that a cloud's gateway leaves the node, if it does. */
  constructor(toPorts: readonly PortRange[], budget: number | undefined) {
    this.#ranges = toPorts.length > 0 ? toPorts : [usualRange];
    this.#available = Math.min(sizeOf(this.#ranges), budget ?? Number.POSITIVE_INFINITY);
  }

  /** Counts the port of a connection whose source address is one of the node's, by translation or of its own. */
  add({ protocol, reply }: Connection): void {
    if (!reply.ports || !protocolsWithPorts.includes(protocol)) return;
    const used = reply.ports.destination;
    if (!this.#ranges.some(({ first, last }) => first <= used && used <= last)) return;
    this.#uses.add([protocol, reply.source, reply.ports.source, reply.destination].join(' '));
  }

  /** The destinations with the most ports in use, each with the address of which most are. */
  top(limit: number): readonly PortUse[] {
    const byDestination = new Map<string, PortUse>();
    const available = this.#available;
    for (const [key, used] of this.#uses.all()) {
      const [protocol = '', destination = '', port = '', address = ''] = key.split(' ');
      const place = `${protocol} ${destination} ${port}`;
      if (byDestination.has(place)) continue;
      const share = Math.min(1, used / available);
      byDestination.set(place, { protocol, destination, port: Number(port), address, used, available, share });
      if (byDestination.size === limit) break;
    }
    return [...byDestination.values()];
  }
}

/** The largest share of ports in use towards any destination; 0 where none are. */
export function largestShare({ ports }: { readonly ports: readonly PortUse[] }): number {
  return Math.max(0, ...ports.map(({ share }) => share));
}

/** How many ports the ranges have; one that is in several counts once. */
function sizeOf(ranges: readonly PortRange[]): number {
  let size = 0;
  let next = 0;
  for (const { first, last } of ranges.toSorted((a, b) => a.first - b.first)) {
    size += Math.max(0, last - Math.max(first, next) + 1);
    next = Math.max(next, last + 1);
  }
  return size;
}
