import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { systemRunner } from '../../src/system/run.ts';
import { limits, podman, podmanLine } from '../container/store.ts';
import { ConfigMapVolume } from '../kernel/harness/config-map-volume.ts';
import type { TestBed } from '../kernel/harness/test-bed.ts';
import { addresses } from '../kernel/harness/topology.ts';
import { image } from './build-image.ts';
import type { Container, PodSpec, Probe } from './pod-spec.ts';
import { type ConfigMaps, fillVolume, hostPath } from './volumes.ts';

const answerSchema = z.object({ status: z.int(), body: z.string() });
export type Answer = z.infer<typeof answerSchema>;

/** A Pod of the agent on the node of a test bed, run as the kubelet would, with the image under test in place of its own. */
export class Pod {
  readonly #name: string;
  readonly #bed: TestBed;
  readonly #spec: PodSpec;
  readonly #volumes: ReadonlyMap<string, ConfigMapVolume>;

  private constructor(name: string, bed: TestBed, spec: PodSpec, volumes: ReadonlyMap<string, ConfigMapVolume>) {
    this.#name = name;
    this.#bed = bed;
    this.#spec = spec;
    this.#volumes = volumes;
  }

  static async start(bed: TestBed, spec: PodSpec, configMaps: ConfigMaps = {}): Promise<Pod> {
    const name = `ip-masq-agent-${randomUUID()}`;
    const volumes = new Map(
      spec.volumes.map((volume) => [volume.name, new ConfigMapVolume(join(bed.directory, name, volume.name))]),
    );
    const pod = new Pod(name, bed, spec, volumes);
    await pod.setConfigMaps(configMaps);
    const [container] = spec.containers;
    const mounts = await Promise.all(container.volumeMounts.map((mount) => pod.#mountArgument(mount)));
    const [tool, ...options] = podmanLine;
    await bed.node.run(
      tool,
      ...options,
      ...['run', '--detach', '--name', name, '--pull', 'never', '--network', 'host', ...limits],
      ...securityArguments(spec, container),
      ...environmentArguments(container),
      ...(container.command ? ['--entrypoint', container.command[0]] : []),
      ...mounts,
      ...[image, ...container.args.map(expandVariables)],
    );
    return pod;
  }

  /** Lets the ConfigMaps of the cluster be these from now on. */
  async setConfigMaps(configMaps: ConfigMaps): Promise<void> {
    for (const volume of this.#spec.volumes) {
      const directory = this.#volumes.get(volume.name);
      if (directory) await fillVolume(volume, directory, configMaps);
    }
  }

  /** What one of the probes of the spec is answered; rejects while nothing listens. */
  async ask(kind: 'startupProbe' | 'livenessProbe' | 'readinessProbe'): Promise<Answer> {
    const probe = this.#spec.containers[0][kind];
    if (!probe) throw new Error(`the spec has no ${kind}`);
    return this.get(urlOf(probe));
  }

  /** An HTTP GET from the node. */
  async get(url: string): Promise<Answer> {
    const script = `const answer = await fetch(${JSON.stringify(url)});
      console.log(JSON.stringify({ status: answer.status, body: await answer.text() }));`;
    const output = await this.#bed.node.run(process.execPath, '--input-type=module', '--eval', script);
    return answerSchema.parse(JSON.parse(output));
  }

  /** Runs a program of the image in the container, as `kubectl exec` does. */
  execute(...line: string[]): Promise<string> {
    // From the node: a container with the network of its host leaves a further process where it was started.
    const [tool, ...options] = podmanLine;
    return this.#bed.node.run(tool, ...options, 'exec', this.#name, ...line);
  }

  /** Everything it printed so far. */
  async logs(): Promise<string> {
    const [tool, ...options] = podmanLine;
    const { stdout, stderr } = await systemRunner.run({ tool, args: [...options, 'logs', this.#name] });
    return stdout + stderr;
  }

  /** The id of the agent's process on this machine. */
  async processId(): Promise<number> {
    return Number(await podman('inspect', '--format', '{{.State.Pid}}', this.#name));
  }

  /** What /proc/PID/status says under that name. */
  async processStatus(name: string): Promise<string | undefined> {
    const status = readFileSync(`/proc/${await this.processId()}/status`, 'utf8');
    return new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1];
  }

  /** Whether the kernel ended a process of the container for want of memory. */
  async isOutOfMemory(): Promise<boolean> {
    return (await podman('inspect', '--format', '{{.State.OOMKilled}}', this.#name)).trim() === 'true';
  }

  /** How the agent sees what is mounted there (proc_pid_mounts(5)). */
  async mountOptions(target: string): Promise<string[]> {
    const mounts = readFileSync(`/proc/${await this.processId()}/mounts`, 'utf8').split('\n');
    return (
      mounts
        .map((mount) => mount.split(' '))
        .find((fields) => fields[1] === target)?.[3]
        ?.split(',') ?? []
    );
  }

  /** Ends the agent as the kubelet does; gives its exit code and how many milliseconds it took. */
  async stop(): Promise<{ exitCode: number; milliseconds: number }> {
    const pid = await this.processId();
    const startedAt = performance.now();
    process.kill(pid, 'SIGTERM');
    while (existsSync(`/proc/${pid}`)) await delay(10);
    const milliseconds = performance.now() - startedAt;
    return { exitCode: Number(await podman('wait', this.#name)), milliseconds };
  }

  /** Ends it if it still runs and leaves nothing behind. */
  async remove(): Promise<void> {
    await podman('rm', '--force', '--time', '0', this.#name);
  }

  async #mountArgument({ name, mountPath, readOnly }: Container['volumeMounts'][number]): Promise<string> {
    const volume = this.#spec.volumes.find((candidate) => candidate.name === name);
    if (!volume) throw new Error(`no volume ${name} for ${mountPath}`);
    const source =
      'hostPath' in volume
        ? await hostPath(volume.hostPath, this.#bed.directory)
        : join(this.#bed.directory, this.#name, name);
    return `--volume=${source}:${mountPath}${readOnly ? ':ro' : ''}`;
  }
}

function securityArguments(spec: PodSpec, { securityContext: context, resources }: Container): string[] {
  return [
    ...(context.privileged ? ['--privileged'] : []),
    ...context.capabilities.drop.map((capability) => `--cap-drop=${capability}`),
    ...context.capabilities.add.map((capability) => `--cap-add=${capability}`),
    ...(context.readOnlyRootFilesystem ? ['--read-only', '--read-only-tmpfs=false'] : []),
    ...(context.allowPrivilegeEscalation ? [] : ['--security-opt=no-new-privileges']),
    // Kubernetes filters system calls only where it is told to, podman unless it is told not to.
    ...(spec.securityContext ? [] : ['--security-opt=seccomp=unconfined']),
    ...(resources ? [`--memory=${resources.limits.memory.replace(/i$/, '').toLowerCase()}`] : []),
  ];
}

function environmentArguments({ env }: Container): string[] {
  return env.map(({ name }) => `--env=${name}=${addresses.ipv4.node}`);
}

/** Kubernetes puts variables of `env` into arguments. The one that may be asked for is the address of the node. */
function expandVariables(argument: string): string {
  return argument.replaceAll(/\$\(\w+\)/g, addresses.ipv4.node);
}

function urlOf({ httpGet: { host, port, path } }: Probe): string {
  return `http://${host}:${port}${path}`;
}
