import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Runner } from '../../../src/system/run.ts';
import { AgentProcess } from './agent-process.ts';
import { ConfigMapVolume } from './config-map-volume.ts';
import { sendEchoes } from './echo.ts';
import { Endpoint } from './endpoint/endpoint.ts';
import { Namespace, namespaceRunner } from './namespace.ts';
import { Prober, type Verdict } from './probe.ts';
import { connect } from './topology.ts';

const sides = ['pod', 'node', 'world'] as const;
const protocols = ['udp', 'tcp', 'icmp'] as const;

export type Side = (typeof sides)[number];
export type Protocol = (typeof protocols)[number];

/** A connection to be tried. */
export interface Flow {
  /** Pod (the default) and world can send from any address, the node only from its own. */
  readonly from?: Side;
  /** `udp` by default. */
  readonly protocol?: Protocol;
  readonly source: string;
  /** A link-local IPv6 destination needs its interface, as in `fe80::7%world`, and can be reached from the node only. */
  readonly destination: string;
}

/**
 * pod – node – world in network namespaces of their own. The node forwards between the other two and is where the agent
 * runs. Pod and world answer to, and send from, every address there is, so that any source and destination can be tried.
 */
export class TestBed {
  readonly pod: Namespace;
  readonly node: Namespace;
  readonly world: Namespace;
  /** For code of the agent that runs in this process: its tools act on the node. */
  readonly runner: Runner;
  /** A directory that is removed with the test bed. */
  readonly directory: string;
  /** What the agents that `startAgent` starts read. */
  readonly config: ConfigMapVolume;
  #closed: Promise<void> | undefined;
  readonly #prober: Prober;
  readonly #endpoints: Readonly<Record<Side, Endpoint>>;

  private constructor(
    { pod, node, world }: Readonly<Record<Side, Namespace>>,
    [podEndpoint, nodeEndpoint, worldEndpoint]: readonly [Endpoint, Endpoint, Endpoint],
    prober: Prober,
    directory: string,
  ) {
    this.pod = pod;
    this.node = node;
    this.world = world;
    this.runner = namespaceRunner(node);
    this.directory = directory;
    this.config = new ConfigMapVolume(join(directory, 'config'));
    this.#endpoints = { pod: podEndpoint, node: nodeEndpoint, world: worldEndpoint };
    this.#prober = prober;
  }

  static async create(): Promise<TestBed> {
    const directory = await mkdtemp(join(tmpdir(), 'ip-masq-agent-'));
    // A lock of its own, so that test beds beside each other, and the host, do not wait for each other.
    const environment = { XTABLES_LOCKFILE: join(directory, 'xtables.lock') };
    const [pod, node, world] = await Promise.all([
      Namespace.create('pod', environment),
      Namespace.create('node', environment),
      Namespace.create('world', environment),
    ]);
    try {
      await connect(pod, node, world);
      const prober = new Prober();
      const start = (namespace: Namespace) => Endpoint.start(namespace, prober.onReport);
      const endpoints = await Promise.all([start(pod), start(node), start(world)]);
      return new TestBed({ pod, node, world }, endpoints, prober, directory);
    } catch (error) {
      await Promise.all([pod.delete(), node.delete(), world.delete()]);
      throw error;
    }
  }

  /**
   * Tries new connections, each from a source port of its own, and gives what became of each, in their order.
   * About 10,000 UDP flows a second; TCP connects for real; ICMP takes a process per flow.
   */
  async probe(flows: readonly Flow[]): Promise<Verdict[]> {
    const verdicts: Verdict[] = [];
    for (const from of sides) {
      for (const protocol of protocols) {
        const chosen = [...flows.entries()].filter(([, flow]) => isOf(flow, from, protocol));
        const group = chosen.map(([, flow]) => flow);
        for (const [position, verdict] of (await this.#probeGroup(from, protocol, group)).entries()) {
          const index = chosen[position]?.[0];
          if (index !== undefined) verdicts[index] = verdict;
        }
      }
    }
    return verdicts;
  }

  /** Starts the built agent in the node with the given arguments, reading `config`. */
  startAgent(...args: string[]): AgentProcess {
    return new AgentProcess(this.node, ['--config', this.config.directory, ...args]);
  }

  /** Ends everything that runs in the test bed and removes it, once, however often it is called. */
  close(): Promise<void> {
    this.#closed ??= this.#remove();
    return this.#closed;
  }

  async #remove(): Promise<void> {
    await Promise.all([this.pod.delete(), this.node.delete(), this.world.delete()]);
    await rm(this.directory, { recursive: true });
  }

  async #probeGroup(from: Side, protocol: Protocol, flows: readonly Flow[]): Promise<Verdict[]> {
    if (protocol !== 'icmp') {
      return this.#prober.probe(flows, (attempts) => this.#endpoints[from].send({ protocol, attempts }));
    }
    const sources = await sendEchoes(this[from], this.world, flows);
    return flows.map(({ source }, index) => {
      const address = sources[index];
      if (address === undefined) return { verdict: 'lost', reason: 'world saw no echo request' };
      return { verdict: address === source ? 'keep' : 'masquerade', address, port: 0 };
    });
  }
}

function isOf({ from = 'pod', protocol = 'udp' }: Flow, side: Side, wanted: Protocol): boolean {
  return from === side && protocol === wanted;
}
