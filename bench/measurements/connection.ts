import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Backend } from '../../src/backends/backend.ts';
import { createNftBackend } from '../../src/backends/nft/backend.ts';
import { policyWith } from '../../test/builders/policy.ts';
import { forkInside } from '../../test/kernel/harness/endpoint/endpoint.ts';
import { Namespace, namespaceRunner } from '../../test/kernel/harness/namespace.ts';
import { iptablesBackendOn } from '../../test/kernel/iptables-node.ts';
import { networks } from '../config-texts.ts';
import { type Figure, figureOf, quantile } from '../figures.ts';
import type { Measurement } from '../measurement.ts';

const sender = new URL('connection-sender.ts', import.meta.url);
const cost = z.number();

/** Rules to be measured. */
interface Candidate {
  readonly subject: string;
  readonly cidrs?: number;
  readonly backend?: (node: Namespace) => Backend;
  /** A table for nft, instead of a backend's rules. */
  readonly table?: string;
  /** As many entries in the other lists, too, none of which is the one that decides. */
  readonly everyList?: boolean;
}

/** What the sender's packets carry. */
const source = '198.51.100.10/32';
const nft = (node: Namespace): Backend => createNftBackend({ runner: namespaceRunner(node) });
const iptables =
  (flavour: 'nft' | 'legacy') =>
  (node: Namespace): Backend =>
    iptablesBackendOn(node, flavour);

/** The least that any masquerading costs: what a policy adds to that is what its rules cost. */
const floor = 'one masquerade rule';
const floorTable = `table inet floor {
  chain postrouting {
    type nat hook postrouting priority srcnat + 10; policy accept;
    masquerade fully-random
  }
}
`;

const candidates: readonly Candidate[] = [
  { subject: 'no rules' },
  { subject: floor, table: floorTable },
  ...[10, 1_000, 10_000, 100_000].map((cidrs) => ({ subject: 'nft', cidrs, backend: nft })),
  ...[10, 10_000].map((cidrs) => ({ subject: 'nft, every list', cidrs, backend: nft, everyList: true })),
  ...[10, 1_000, 10_000].map((cidrs) => ({ subject: 'iptables-nft', cidrs, backend: iptables('nft') })),
  ...[10, 1_000, 10_000].map((cidrs) => ({ subject: 'iptables-legacy', cidrs, backend: iptables('legacy') })),
];
const quickCandidates = candidates.filter(
  ({ cidrs = 10, subject }) => cidrs !== 1_000 && subject !== 'iptables-legacy',
);

/** What the rules cost the first packet of a connection. */
export const measureConnections: Measurement = async ({ quick }) => {
  const lanes: Lane[] = [];
  try {
    const chosen = quick ? quickCandidates : candidates;
    for (const candidate of chosen) lanes.push(await Lane.open(candidate));
    // In turn, so that whatever else the machine does meets all of them alike, and each round in another order: the lane
    // before leaves caches and connections behind. The first round warms up.
    for (let round = 0; round <= (quick ? 4 : 31); round++) {
      for (const lane of shuffled(lanes)) await lane.run(round > 0);
      await sleep(forgetMs);
    }
    const median = (subject: string, cidrs?: number): number => {
      const lane = lanes.find(({ candidate }) => candidate.subject === subject && candidate.cidrs === cidrs);
      return quantile(lane?.samples ?? [], 0.5);
    };
    return {
      title: 'New connection',
      method:
        'Processor time per packet of a process that sends UDP, each packet to another destination and so the first of a connection that no list keeps, over a veth pair whose other end drops it. Sending and connection tracking are in every figure; "no rules" is sending alone, and "one masquerade rule" is `masquerade fully-random` with nothing before it.',
      figures: lanes.map(({ figure }) => figure),
      goals: [
        {
          name: 'new connection on nft, 10 CIDRs / one masquerade rule',
          value: median('nft', 10) / median(floor),
          unit: '×',
          limit: 1.05,
          better: 'lower',
        },
        {
          name: 'new connection on nft, 10,000 CIDRs / one masquerade rule',
          value: median('nft', 10_000) / median(floor),
          unit: '×',
          limit: 1.08,
          better: 'lower',
        },
        {
          name: 'new connection on nft, 100,000 CIDRs / 10 CIDRs',
          value: median('nft', 100_000) / median('nft', 10),
          unit: '×',
          limit: 1.2,
          better: 'lower',
        },
        {
          name: 'new connection on nft, every list of 10,000 CIDRs / of 10',
          value: median('nft, every list', 10_000) / median('nft, every list', 10),
          unit: '×',
          limit: 1.3,
          better: 'lower',
        },
        {
          name: "new connection, 10,000 CIDRs: upstream's rules (iptables-nft) / nft",
          value: median('iptables-nft', 10_000) / median('nft', 10_000),
          unit: '×',
          limit: 8,
          better: 'higher',
        },
      ],
    };
  } finally {
    for (const lane of lanes) await lane.close();
  }
};

function shuffled<T>(items: readonly T[]): readonly T[] {
  return items
    .map((item) => ({ item, place: Math.random() }))
    .toSorted((one, other) => one.place - other.place)
    .map(({ item }) => item);
}

/** Longer than conntrack remembers a packet without an answer here. */
const forgetMs = 1_500;

/** A network namespace with rules, a sender in it, and a sink beside it. */
class Lane {
  readonly candidate: Candidate;
  /** Microseconds per packet, one for each run. */
  readonly samples: number[] = [];
  readonly #node: Namespace;
  readonly #sink: Namespace;
  readonly #sender: ChildProcess;

  private constructor(candidate: Candidate, node: Namespace, sink: Namespace) {
    this.candidate = candidate;
    this.#node = node;
    this.#sink = sink;
    this.#sender = forkInside(node, sender);
  }

  static async open(candidate: Candidate): Promise<Lane> {
    const [node, sink] = await Promise.all([Namespace.create('lane'), Namespace.create('sink')]);
    await node.feed(wiring(sink.name), 'ip', '-batch', '-');
    await sink.run('ip', 'link', 'set', 'in', 'up');
    await sink.feed(dropAll, 'nft', '-f', '-');
    const { cidrs = 0, backend, everyList = false, table } = candidate;
    if (table !== undefined) await node.feed(table, 'nft', '-f', '-');
    if (backend) {
      const list = networks(cidrs);
      const others = { masqueradeSources: [source, ...list], forceMasquerade: list, keepSources: list };
      await backend(node).apply(policyWith({ ipv4: { keepDestinations: list, ...(everyList ? others : {}) } }));
    }
    if (backend || table !== undefined)
      await node.run('sysctl', '--quiet', '--write', 'net.netfilter.nf_conntrack_udp_timeout=1');
    return new Lane(candidate, node, sink);
  }

  get figure(): Figure {
    const { subject, cidrs } = this.candidate;
    return figureOf(this.samples, { subject, cidrs, quantity: 'new connection', unit: 'µs' });
  }

  async run(counts: boolean): Promise<void> {
    this.#sender.send('run');
    const [message] = await once(this.#sender, 'message');
    if (counts) this.samples.push(cost.parse(message));
  }

  async close(): Promise<void> {
    await Promise.all([this.#node.delete(), this.#sink.delete()]);
  }
}

/** The gateway has an address but no host: its neighbour entry is made by hand. */
function wiring(sink: string): string {
  return `link set lo up
link add out type veth peer name in netns ${sink}
link set out up
address add 198.51.100.10/24 dev out
route add default via 198.51.100.1 dev out
neighbour add 198.51.100.1 lladdr 02:00:00:00:00:01 dev out nud permanent
`;
}

const dropAll = `table netdev sink {
  chain ingress {
    type filter hook ingress device "in" priority 0; policy drop;
  }
}
`;
