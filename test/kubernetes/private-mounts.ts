import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Namespace } from '../kernel/harness/namespace.ts';

/** What the kubelet sets, for the whole machine, when it starts. */
const settings = [
  'vm/overcommit_memory',
  'vm/panic_on_oom',
  'kernel/panic',
  'kernel/panic_on_oops',
  'kernel/keys/root_maxkeys',
  'kernel/keys/root_maxbytes',
];

const script = `set -eu
for directory in /run /var/lib /var/log; do mount -t tmpfs tmpfs "$directory"; done
for setting in ${settings.join(' ')}; do
  copy=/run/$(echo "$setting" | tr / -)
  cat "/proc/sys/$setting" >"$copy"
  mount --bind "$copy" "/proc/sys/$setting"
done
echo ready
exec sleep infinity
`;

/**
 * A mount namespace (mount_namespaces(7)) for the parts of Kubernetes. Directories whose names they have built in are empty
 * in it, and what the kubelet would set for the whole machine goes to files: of their mounts, network namespaces, sockets and
 * logs nothing is to be seen outside, and nothing is left once their processes have ended.
 */
export class PrivateMounts {
  /** What to put before a command line to run it with these mounts, on the network of the node. */
  readonly enter: readonly [tool: string, ...args: string[]];
  readonly #holder: ChildProcess;

  private constructor(node: Namespace, holder: ChildProcess) {
    this.#holder = holder;
    // The network first: its name stands in /run.
    this.enter = [...node.enter, 'nsenter', `--mount=/proc/${holder.pid}/ns/mnt`];
  }

  static async create(node: Namespace): Promise<PrivateMounts> {
    // On the network of the node, so that it ends with it, also where a killed run could not end it.
    const [enter, ...options] = node.enter;
    const line = [...options, 'unshare', '--mount', '--propagation', 'private', 'sh', '-c', script];
    const holder = spawn(enter, line, { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(holder, 'exit').then(() => {
      throw new Error('the mounts for Kubernetes could not be made');
    });
    await Promise.race([once(holder.stdout, 'data'), ended]);
    ended.catch(() => undefined);
    return new PrivateMounts(node, holder);
  }

  /** Lets go of the namespace, which goes with the last process in it. */
  release(): void {
    this.#holder.kill('SIGKILL');
  }
}
