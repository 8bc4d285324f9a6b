import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Family } from '../../../../src/net/family.ts';
import { forkInside } from '../endpoint/endpoint.ts';
import { namespaceRunner } from '../namespace.ts';
import type { TestBed } from '../test-bed.ts';
import { addresses } from '../topology.ts';

/** Networks, of either family, by what every policy of the test does with connections from the pod to them. */
export interface FloodPlan {
  readonly kept: readonly string[];
  readonly masqueraded: readonly string[];
  /** New connections a second; 40,000 by default, which leaves the agent some of two processors. */
  readonly rate?: number;
}

interface Judged {
  readonly right: number;
  readonly wrong: number;
}

/** Counted in the kernel of the world, by source address. */
export interface FloodVerdicts {
  /** Wrong: masqueraded. */
  readonly kept: Judged;
  /** Wrong: leaked with the address of the pod. */
  readonly masqueraded: Judged;
}

/** Besides, what conntrack in the node took for a new connection. */
export interface FloodCounts extends FloodVerdicts {
  readonly newConnections: number;
}

const families = ['ipv4', 'ipv6'] as const;
const kinds = ['kept', 'masqueraded'] as const;
const table = 'inet flood-counters';
const counterNames = ['kept-right', 'kept-wrong', 'masqueraded-right', 'masqueraded-wrong'] as const;
const sender = new URL('sender.ts', import.meta.url);
const defaultRate = 40_000;
/** What has left the sender is through the node long before. */
const settleMs = 200;

/**
 * Makes new UDP connections from the pod as fast as it can, or as told, until it is stopped. Every packet is a new
 * connection, so every packet meets the NAT rules.
 */
export class Flood {
  readonly #bed: TestBed;
  readonly #senders: readonly ChildProcess[];

  private constructor(bed: TestBed, senders: readonly ChildProcess[]) {
    this.#bed = bed;
    this.#senders = senders;
  }

  static async start(bed: TestBed, plan: FloodPlan): Promise<Flood> {
    await bed.world.feed(worldCounters(plan), 'nft', '--file', '-');
    await bed.node.feed(nodeCounter(plan), 'nft', '--file', '-');
    const perFamily = families
      .map((family) => ({
        family,
        networks: [...networksOf(plan.kept, family), ...networksOf(plan.masqueraded, family)],
      }))
      .filter(({ networks }) => networks.length > 0);
    const rate = (plan.rate ?? defaultRate) / perFamily.length;
    const senders = perFamily.map(({ family, networks }) =>
      forkInside(bed.pod, sender, String(rate), addresses[family].pod, ...networks),
    );
    await Promise.all(senders.map((process) => once(process, 'message')));
    return new Flood(bed, senders);
  }

  /** The counts so far. `flush ruleset` in the node sets `newConnections` back to zero for good. */
  async counts(): Promise<FloodCounts> {
    const verdicts = await this.verdicts();
    const node = await readCounters(this.#bed.node);
    return { newConnections: node.get('new') ?? 0, ...verdicts };
  }

  /** What became of the connections so far, whatever happens to the rules of the node. */
  async verdicts(): Promise<FloodVerdicts> {
    const world = await readCounters(this.#bed.world);
    const judged = (kind: (typeof kinds)[number]) => ({
      right: required(world.get(`${kind}-right`)),
      wrong: required(world.get(`${kind}-wrong`)),
    });
    return { kept: judged('kept'), masqueraded: judged('masqueraded') };
  }

  /** Ends the flood and gives the counts of all of it. */
  async stop(): Promise<FloodCounts> {
    const exits = this.#senders.map((process) => once(process, 'exit'));
    for (const process of this.#senders) process.disconnect();
    await Promise.all(exits);
    await sleep(settleMs);
    const counts = await this.counts();
    // "add" first, since a test may have flushed the node's ruleset.
    const removal = `add table ${table}\ndelete table ${table}\n`;
    await this.#bed.world.feed(removal, 'nft', '--file', '-');
    await this.#bed.node.feed(removal, 'nft', '--file', '-');
    return counts;
  }
}

function networksOf(networks: readonly string[], family: Family): string[] {
  return networks.filter((network) => network.includes(':') === (family === 'ipv6'));
}

/** Counts and drops what arrives, before anything answers it. */
function worldCounters(plan: FloodPlan): string {
  const rules = kinds.flatMap((kind) =>
    plan[kind].flatMap((network) => {
      const family = network.includes(':') ? 'ipv6' : 'ipv4';
      const ip = family === 'ipv6' ? 'ip6' : 'ip';
      const rightSource = kind === 'kept' ? addresses[family].pod : addresses[family].node;
      return [
        `${ip} daddr ${network} ${ip} saddr ${rightSource} counter name "${kind}-right" drop`,
        `${ip} daddr ${network} counter name "${kind}-wrong" drop`,
      ];
    }),
  );
  return `table ${table} {
${counterNames.map((name) => `  counter ${name} {}`).join('\n')}
  chain prerouting {
    type filter hook prerouting priority raw; policy accept;
    udp dport 7777 accept
    ${rules.join('\n    ')}
  }
}
`;
}

/**
 * Counts connections, not packets: as long as nothing answers, conntrack calls every packet of a connection new, but only
 * the first one passes before its entry is confirmed.
 */
function nodeCounter(plan: FloodPlan): string {
  const rules = [...plan.kept, ...plan.masqueraded].map((network) => {
    const ip = network.includes(':') ? 'ip6' : 'ip';
    return `${ip} daddr ${network} udp dport != 7777 ct state new ct status & confirmed == 0 counter name "new"`;
  });
  return `table ${table} {
  counter new {}
  chain forward {
    type filter hook forward priority filter; policy accept;
    ${rules.join('\n    ')}
  }
}
`;
}

const listing = z.object({
  nftables: z.array(z.object({ counter: z.object({ name: z.string(), packets: z.number() }).optional() })),
});

/** No counters where the table is gone. */
async function readCounters(namespace: TestBed['node']): Promise<Map<string, number>> {
  const args = ['--json', 'list', 'counters', 'table', ...table.split(' ')];
  const { exitCode, stdout, stderr } = await namespaceRunner(namespace).run({ tool: 'nft', args });
  if (stderr.includes('No such file or directory')) return new Map();
  if (exitCode !== 0) throw new Error(`nft ${args.join(' ')}: ${stderr}`);
  const { nftables } = listing.parse(JSON.parse(stdout));
  return new Map(nftables.flatMap(({ counter }) => (counter ? [[counter.name, counter.packets]] : [])));
}

function required(count: number | undefined): number {
  if (count === undefined) throw new Error('the counters of the flood are gone');
  return count;
}
