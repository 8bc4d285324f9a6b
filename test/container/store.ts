import { cached } from './cache.ts';
import { tool } from './tool.ts';

/** Images and containers of these tests live in a store of their own; those of the machine are not seen or touched. */
const store = ['--root', cached('storage'), '--runroot', '/run/ip-masq-agent-test', '--storage-driver', 'overlay'];

/** How podman is called. runc and the cgroupfs manager also work inside another container or virtual machine. */
export const podmanLine = ['podman', ...store, '--runtime', 'runc', '--cgroup-manager', 'cgroupfs'] as const;

/** Where the limits of processes and files can't be raised, builds and containers must not ask for more. */
export const limits = ['--ulimit', 'nproc=1000:1000', '--ulimit', 'nofile=1000:1000'] as const;

export function podman(...args: string[]): Promise<string> {
  const [name, ...options] = podmanLine;
  return tool(name, ...options, ...args);
}

/** The first argument is the verb. */
export function buildah(...args: string[]): Promise<string> {
  return tool('buildah', ...store, ...args);
}

/** Builds a Dockerfile with images of the store alone; `context` is the directory that COPY reads. */
export function build(options: { file: string; context: string; tag: string; args?: string[] }): Promise<string> {
  const { file, context, tag, args = [] } = options;
  const where = ['--isolation', 'chroot', '--network', 'host', '--pull-never', '--layers'];
  return buildah('bud', ...where, ...limits, ...args, '--file', file, '--tag', tag, context);
}

export async function imageExists(name: string): Promise<boolean> {
  return podman('image', 'exists', name).then(
    () => true,
    () => false,
  );
}
