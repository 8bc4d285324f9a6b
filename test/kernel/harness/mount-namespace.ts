import { spawn } from 'node:child_process';
import { readlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemRunner } from '../../../src/system/run.ts';
import type { Namespace } from './namespace.ts';

/**
 * A mount namespace within a network namespace: what is mounted in it nobody else sees. It ends with the network
 * namespace.
 */
export class MountNamespace {
  readonly #network: Namespace;
  readonly #pid: number;

  private constructor(network: Namespace, pid: number) {
    this.#network = network;
    this.#pid = pid;
  }

  static async create(network: Namespace): Promise<MountNamespace> {
    // Private, so that no mount propagates to the host. Every program here replaces the one before: the pid stays.
    const { tool, args } = network.inside('unshare', ['--mount', '--propagation=private', 'sleep', 'infinity']);
    const { pid } = spawn(tool, args, { stdio: 'ignore' });
    if (pid === undefined) throw new Error('unshare could not be started');
    const ours = await readlink('/proc/self/ns/mnt');
    while ((await readlink(`/proc/${pid}/ns/mnt`)) === ours) await sleep(5);
    return new MountNamespace(network, pid);
  }

  inside(tool: string, args: readonly string[]): { tool: string; args: string[] } {
    return this.#network.inside('nsenter', [`--mount=/proc/${this.#pid}/ns/mnt`, tool, ...args]);
  }

  /** Runs a tool inside; rejects with its standard error when it fails. */
  async run(tool: string, ...args: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await systemRunner.run(this.inside(tool, args));
    if (exitCode !== 0) throw new Error(`${[tool, ...args].join(' ')}: exit code ${exitCode}\n${stderr}`);
    return stdout;
  }
}
