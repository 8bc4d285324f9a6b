import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cached } from '../container/cache.ts';
import { tool } from '../container/tool.ts';

export const prometheusPath = cached('prometheus');
export const promtoolPath = cached('promtool');

/**
 * Before the tests of a run: fetches Debian's package of Prometheus, once, and unpacks it. Installing it would start a
 * server on this machine.
 */
export default async function setup(): Promise<void> {
  if (existsSync(prometheusPath) && existsSync(promtoolPath)) return;
  const work = await mkdtemp(cached('prometheus-tools-'));
  try {
    await tool('apt-get', 'update', '--quiet');
    await tool('sh', '-c', 'cd "$0" && apt-get download --quiet prometheus', work);
    const [archive] = await readdir(work);
    if (archive === undefined) throw new Error('apt-get download left nothing');
    await tool('dpkg-deb', '--extract', join(work, archive), join(work, 'root'));
    for (const path of [prometheusPath, promtoolPath]) {
      await rename(join(work, 'root/usr/bin', path.slice(path.lastIndexOf('/') + 1)), path);
    }
  } finally {
    await rm(work, { recursive: true });
  }
}
