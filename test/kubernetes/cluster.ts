import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { podman } from '../container/store.ts';
import { feedTool, tool } from '../container/tool.ts';
import { image } from '../image/build-image.ts';
import type { TestBed } from '../kernel/harness/test-bed.ts';
import { addresses } from '../kernel/harness/topology.ts';
import { podNetwork, writeClusterFiles } from './cluster-files.ts';
import { PrivateMounts } from './private-mounts.ts';
import { pauseImage, program } from './programs.ts';

/** What a busy machine may take for a cluster to come up, and for what is asked of it. */
const patienceMs = 120_000;

/** A Kubernetes of one node, all of it in the node of a test bed: etcd, containerd, control plane, kubelet, kube-proxy. */
export class Cluster {
  readonly #bed: TestBed;
  readonly #directory: string;
  readonly #processes: ChildProcess[] = [];
  #mounts: PrivateMounts | undefined;

  private constructor(bed: TestBed) {
    this.#bed = bed;
    this.#directory = join(bed.directory, 'kubernetes');
  }

  /** Resolves when the node is Ready and the images of the tests are on it. */
  static async start(bed: TestBed): Promise<Cluster> {
    const cluster = new Cluster(bed);
    try {
      await cluster.#start();
      return cluster;
    } catch (error) {
      process.stderr.write(await cluster.logs());
      await cluster.stop();
      throw error;
    }
  }

  /** The path of the kubeconfig, for tools that are run on the node. */
  get kubeconfig(): string {
    return join(this.#directory, 'kubeconfig');
  }

  /** Runs kubectl on the node. */
  kubectl(...args: string[]): Promise<string> {
    return this.run(program('kubectl'), '--kubeconfig', this.kubeconfig, ...args);
  }

  /** Runs kubectl with a text for its standard input. */
  feedKubectl(input: string, ...args: string[]): Promise<string> {
    const inside = this.#bed.node.inside(program('kubectl'), ['--kubeconfig', this.kubeconfig, ...args]);
    return feedTool(input, inside.tool, ...inside.args);
  }

  /** Runs a tool on the node for as long as it takes to wait for a rollout, which is longer than `bed.node.run` gives it. */
  run(name: string, ...args: string[]): Promise<string> {
    const inside = this.#bed.node.inside(name, args);
    return tool(inside.tool, ...inside.args);
  }

  /** The last lines of every part's log. */
  async logs(): Promise<string> {
    const names = ['etcd', 'containerd', 'kube-apiserver', 'kube-controller-manager', 'kubelet', 'kube-proxy'];
    const texts = await Promise.all(
      names.map((name) => readFile(this.#path(`${name}.log`), 'utf8').catch(() => 'was not started')),
    );
    return texts.map((text, index) => `--- ${names[index]}\n${text.split('\n').slice(-15).join('\n')}\n`).join('');
  }

  /** What its Pods are and say, and what happened to them: for the log of a test that fails. */
  async describe(): Promise<string> {
    const questions = [
      ['get', 'pods', '--all-namespaces', '--output=wide'],
      ['get', 'events', '--all-namespaces', '--sort-by=.lastTimestamp'],
      ['logs', '--namespace=kube-system', '--selector=app.kubernetes.io/name', '--prefix', '--tail=20'],
    ];
    const answers = await Promise.all(questions.map((question) => this.kubectl(...question).catch(String)));
    return `\n${answers.join('\n')}\n`;
  }

  /** Ends every part and the containers, and removes what they left. */
  async stop(): Promise<void> {
    // The kubelet first: it would start the containers again.
    for (const child of this.#processes.toReversed()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(timer);
      if (child.spawnargs.some((argument) => argument.endsWith('/kubelet'))) await this.#removeContainers();
    }
    this.#mounts?.release();
    await removeControlGroups();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }

  #run(command: string, ...args: string[]): void {
    const log = openSync(this.#path(`${command.split('/').at(-1)}.log`), 'a');
    const [enter, ...options] = this.#mounts?.enter ?? this.#bed.node.enter;
    this.#processes.push(spawn(enter, [...options, command, ...args], { stdio: ['ignore', log, log] }));
    closeSync(log);
  }

  async #start(): Promise<void> {
    await writeClusterFiles(this.#directory);
    this.#mounts = await PrivateMounts.create(this.#bed.node);
    this.#run('etcd', `--data-dir=${this.#path('etcd')}`, '--unsafe-no-fsync');
    this.#run('containerd', `--config=${this.#path('containerd.toml')}`);
    const key = this.#path('service-accounts.key');
    this.#run(
      program('kube-apiserver'),
      ...[
        '--etcd-servers=http://127.0.0.1:2379',
        '--bind-address=127.0.0.1',
        `--cert-dir=${this.#path('certificates')}`,
      ],
      ...[`--advertise-address=${addresses.ipv4.node}`, '--service-cluster-ip-range=10.96.0.0/16'],
      ...['--service-account-issuer=test', `--service-account-key-file=${key}`],
      ...[`--service-account-signing-key-file=${key}`, '--authorization-mode=AlwaysAllow'],
      ...[
        `--token-auth-file=${this.#path('tokens.csv')}`,
        '--kubelet-preferred-address-types=InternalIP',
        '--allow-privileged',
      ],
    );
    // What goes to Pods of the cluster takes the route of their bridge, not the one to the Pod of the test bed.
    await this.#bed.node.run('ip', 'rule', 'add', 'pref', '5', 'to', podNetwork, 'lookup', 'main');
    await this.#until('the API server answers', () => this.kubectl('get', '--raw', '/readyz'));
    const access = `--kubeconfig=${this.kubeconfig}`;
    this.#run(
      program('kube-controller-manager'),
      ...[access, '--leader-elect=false', `--service-account-private-key-file=${key}`],
    );
    this.#run(program('kube-scheduler'), access, '--leader-elect=false');
    this.#run(
      program('kubelet'),
      ...[access, `--config=${this.#path('kubelet.yaml')}`, `--root-dir=${this.#path('kubelet')}`],
      ...['--container-runtime=remote', `--container-runtime-endpoint=unix://${this.#path('containerd.sock')}`],
      ...[`--node-ip=${addresses.ipv4.node}`, '--hostname-override=node', '--register-node'],
    );
    this.#run(
      program('kube-proxy'),
      ...[access, '--proxy-mode=iptables', '--hostname-override=node', `--cluster-cidr=${podNetwork}`],
      ...[
        '--conntrack-max-per-core=0',
        '--conntrack-tcp-timeout-established=0',
        '--conntrack-tcp-timeout-close-wait=0',
      ],
    );
    await this.#until('containerd answers', () => this.#ctr('version'));
    await this.#importImages();
    await this.#until('the node is there', () => this.kubectl('get', 'node', 'node'));
    await this.kubectl('wait', '--for=condition=Ready', 'node/node', '--timeout=90s');
  }

  async #importImages(): Promise<void> {
    for (const name of [image, pauseImage]) {
      const archive = this.#path('image.tar');
      await podman('save', '--format', 'docker-archive', '--output', archive, name);
      await this.#ctr('images', 'import', archive);
      await rm(archive);
    }
  }

  #ctr(...args: string[]): Promise<string> {
    return this.#bed.node.run('ctr', '--address', this.#path('containerd.sock'), '--namespace', 'k8s.io', ...args);
  }

  async #removeContainers(): Promise<void> {
    const listed = (await this.#ctr('tasks', 'list', '--quiet').catch(() => '')).split('\n').filter(Boolean);
    for (const task of listed) await this.#ctr('tasks', 'kill', '--signal', 'SIGKILL', task).catch(() => undefined);
    await this.#until('the containers have ended', async () => {
      const running = (await this.#ctr('tasks', 'list')).match(/RUNNING/g);
      if (running) throw new Error(`${running.length} still run`);
    });
  }

  async #until<T>(what: string, task: () => Promise<T>): Promise<T> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      try {
        return await task();
      } catch (cause) {
        const ended = this.#processes.find(({ exitCode }) => exitCode !== null);
        if (Date.now() > deadline || ended) throw new Error(`waiting until ${what}`, { cause });
        await delay(250);
      }
    }
  }
}

/** The kubelet leaves its control groups. Groups in use, as those of another kubelet, can't be removed. */
async function removeControlGroups(): Promise<void> {
  await tool(
    ...['find', '/sys/fs/cgroup', '-depth', '-type', 'd', '-path', '*/kubepods*'],
    ...['-exec', 'rmdir', '--ignore-fail-on-non-empty', '{}', ';'],
  ).catch(() => undefined);
}
