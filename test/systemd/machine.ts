import { randomUUID } from 'node:crypto';
import { copyFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { vi } from 'vitest';
import { type Outcome, systemRunner } from '../../src/system/run.ts';
import { makeDebianImage } from '../container/base-images.ts';
import { limits, podman, podmanLine } from '../container/store.ts';
import type { TestBed } from '../kernel/harness/test-bed.ts';

/** What a small server has, and what the package asks for, since the node of a test bed has no way to a mirror. */
const packages = [
  ...['systemd', 'systemd-sysv', 'dbus', 'man-db'],
  ...['conntrack', 'nftables', 'iptables', 'libatomic1', 'libstdc++6'],
];

/** Debian with systemd as its first process, in the network of the node of a test bed. */
export class Machine {
  readonly #name: string;
  readonly #bed: TestBed;

  private constructor(name: string, bed: TestBed) {
    this.#name = name;
    this.#bed = bed;
  }

  static async boot(bed: TestBed, suite: string): Promise<Machine> {
    const image = `localhost/ip-masq-agent-systemd:${suite}`;
    await makeDebianImage(image, suite, packages);
    const machine = new Machine(`machine-${randomUUID()}`, bed);
    const [tool, ...options] = podmanLine;
    await bed.node.run(
      tool,
      ...options,
      ...['run', '--detach', '--name', machine.#name, '--pull', 'never', '--network', 'host', '--systemd', 'always'],
      ...limits,
      // What systemd needs to give units less of: a machine has all of it.
      ...['--cap-add', 'SYS_ADMIN,NET_ADMIN,NET_RAW,SYS_RESOURCE', '--security-opt', 'seccomp=unconfined'],
      ...['--volume', `${bed.directory}:/shared`, image, '/sbin/init'],
    );
    try {
      await machine.#isUp();
      return machine;
    } catch (error) {
      await machine.remove();
      throw error;
    }
  }

  async reboot(): Promise<void> {
    const [tool, ...options] = podmanLine;
    await this.#bed.node.run(tool, ...options, 'restart', this.#name);
    await this.#isUp();
  }

  /** Runs a program there and gives its standard output; rejects with all that it printed when it fails. */
  async run(...line: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.try(...line);
    if (exitCode === 0) return stdout;
    throw new Error(`${line.join(' ')}: exit code ${exitCode}\n${stdout}\n${stderr}`);
  }

  /** Runs a program there, whatever comes of it. From the node, whose network it would otherwise not be in. */
  try(...line: string[]): Promise<Outcome> {
    const [tool, ...options] = podmanLine;
    const inside = [...options, 'exec', '--interactive', this.#name, ...line];
    return systemRunner.run({ ...this.#bed.node.inside(tool, inside), timeoutMs: 120_000 });
  }

  async write(path: string, text: string): Promise<void> {
    const [tool, ...options] = podmanLine;
    const inside = [...options, 'exec', '--interactive', this.#name, 'tee', path];
    await this.#bed.node.feed(text, tool, ...inside);
  }

  /** Copies a file of this machine there, and gives its path there. */
  async receive(path: string): Promise<string> {
    await copyFile(path, join(this.#bed.directory, basename(path)));
    return `/shared/${basename(path)}`;
  }

  async remove(): Promise<void> {
    await podman('rm', '--force', '--time', '0', this.#name);
  }

  async #isUp(): Promise<void> {
    await vi.waitFor(() => this.run('systemctl', 'is-system-running'), { timeout: 60_000, interval: 500 });
  }
}
