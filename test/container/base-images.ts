import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cached } from './cache.ts';
import { npm } from './npm.ts';
import { build, imageExists, podman } from './store.ts';
import { tool } from './tool.ts';

/** Where Debian keeps the certificates that programs trust; that of this machine may hold more than Debian's. */
const certificates = '/etc/ssl/certs/ca-certificates.crt';

/**
 * Makes stand-ins for the images that a Dockerfile starts from, under the same names, out of Debian's packages and npm's:
 * registries of images may be out of reach. Kept in the store for the next run.
 */
export async function makeBaseImages(dockerfile: string): Promise<void> {
  const text = await readFile(dockerfile, 'utf8');
  const names = [...text.matchAll(/^ARG\s+\w+_IMAGE=(\S+)/gm)].map(([, name = '']) => name);
  for (const name of new Set(names)) {
    const suite = /(\w+)-slim$/.exec(name)?.[1];
    if (suite === undefined) throw new Error(`no way to make the base image ${name} is known`);
    if (name.includes('/node:')) await makeNodeImage(name, suite);
    else await makeDebianImage(name, suite);
  }
}

/** A minimal Debian, and the given packages. */
export async function makeDebianImage(name: string, suite: string, packages: readonly string[] = []): Promise<void> {
  if (await imageExists(name)) return;
  const archive = cached(`${suite}-${process.pid}.tar`);
  try {
    const bundle = `--customize-hook=copy-in ${certificates} ${dirname(certificates)}`;
    await tool(
      'mmdebstrap',
      '--variant=minbase',
      `--include=${['ca-certificates', ...packages].join(',')}`,
      bundle,
      suite,
      archive,
    );
    await podman('import', archive, name);
  } finally {
    await rm(archive, { force: true });
  }
}

/** A Debian with the Node that runs this and npm. */
async function makeNodeImage(name: string, suite: string): Promise<void> {
  if (await imageExists(name)) return;
  const debian = `docker.io/library/debian:${suite}-slim`;
  await makeDebianImage(debian, suite);
  const context = await mkdtemp(cached('node-'));
  try {
    await mkdir(join(context, 'npm'));
    await npm('install', '--loglevel=error', '--prefix', join(context, 'npm'), 'npm@11');
    await copyFile(process.execPath, join(context, 'node'));
    await writeFile(
      join(context, 'Dockerfile'),
      `FROM ${debian}
RUN apt-get update && apt-get install --yes --no-install-recommends libatomic1
COPY node /usr/local/bin/
COPY npm/node_modules/npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && npm config set --global cafile ${certificates}
`,
    );
    await build({ file: join(context, 'Dockerfile'), context, tag: name });
  } finally {
    await rm(context, { recursive: true });
  }
}
