import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cached } from '../container/cache.ts';
import { build, imageExists } from '../container/store.ts';
import { tool } from '../container/tool.ts';

/** The image that holds the namespaces of a Pod; it also serves Pods of the tests, as it brings busybox along. */
export const pauseImage = 'localhost/pause:test';

const directory = cached('kubernetes');

/** The path of a program of Kubernetes. */
export function program(name: string): string {
  return join(directory, name);
}

/** Before the tests of a run: builds Kubernetes and the image of the Pods' sandboxes, once. */
export default async function setup(): Promise<void> {
  if (!existsSync(program('version'))) {
    process.stderr.write('building Kubernetes, once: 7 minutes on two cores\n');
    await tool('sh', fileURLToPath(new URL('build.sh', import.meta.url)), directory);
  }
  if (!(await imageExists(pauseImage))) await makePauseImage();
}

async function makePauseImage(): Promise<void> {
  const context = await mkdtemp(cached('pause-'));
  try {
    await copyFile('/bin/busybox', join(context, 'busybox'));
    await writeFile(
      join(context, 'Dockerfile'),
      `FROM scratch
COPY busybox /bin/busybox
ENTRYPOINT ["/bin/busybox", "sh", "-c", "trap 'exit 0' TERM INT; while :; do /bin/busybox sleep 3600 & wait $!; done"]
`,
    );
    await build({ file: join(context, 'Dockerfile'), context, tag: pauseImage });
  } finally {
    await rm(context, { recursive: true });
  }
}
