import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigMapVolume } from '../test/kernel/harness/config-map-volume.ts';
import { Namespace } from '../test/kernel/harness/namespace.ts';
import { TestBed } from '../test/kernel/harness/test-bed.ts';
import { Launcher } from './launcher.ts';
import { Witness } from './witness.ts';

/** Upstream reads no other file. */
const file = 'ip-masq-agent';

/** A place where one agent at a time can run: a network of its own, and a ConfigMap volume at /etc/config. */
export class Site {
  readonly namespace: Namespace;
  readonly launcher: Launcher;
  readonly #volume: ConfigMapVolume;
  readonly #remove: () => Promise<void>;

  private constructor(namespace: Namespace, launcher: Launcher, volume: ConfigMapVolume, remove: () => Promise<void>) {
    this.namespace = namespace;
    this.launcher = launcher;
    this.#volume = volume;
    this.#remove = remove;
  }

  /** A site without any traffic. */
  static async create(): Promise<Site> {
    const directory = await mkdtemp(join(tmpdir(), 'ip-masq-agent-'));
    const namespace = await Namespace.create('bench', { XTABLES_LOCKFILE: join(directory, 'xtables.lock') });
    const volume = new ConfigMapVolume(join(directory, 'config'));
    const launcher = await Launcher.start(namespace, join(directory, 'launcher'), volume.directory);
    return new Site(namespace, launcher, volume, async () => {
      await namespace.delete();
      await rm(directory, { recursive: true });
    });
  }

  /** A site between a pod and the world, and a witness of what becomes of the connections between the two. */
  static async withTraffic(): Promise<{ readonly site: Site; readonly witness: Witness }> {
    const bed = await TestBed.create();
    const launcher = await Launcher.start(bed.node, join(bed.directory, 'launcher'), bed.config.directory);
    const site = new Site(bed.node, launcher, bed.config, () => bed.close());
    return { site, witness: await Witness.start(bed.pod, bed.world) };
  }

  /** Swaps the config as the kubelet does and gives the moment of the swap on this process's clock. */
  async configure(text: string): Promise<number> {
    return this.#volume.write({ [file]: text });
  }

  /** Takes the site back to a kernel without rules. */
  async removeRules(): Promise<void> {
    await this.namespace.run('nft', 'flush', 'ruleset');
    if ((await this.namespace.run('cat', '/proc/net/ip_tables_names')) === '') return;
    await this.namespace.run('iptables-legacy', '-t', 'nat', '-F');
    await this.namespace.run('iptables-legacy', '-t', 'nat', '-X');
  }

  /** Ends everything that runs here and removes it. */
  async close(): Promise<void> {
    await this.#remove();
  }
}
