import { glob, rm } from 'node:fs/promises';
import type { TestProject } from 'vitest/node';
import { buildah, podman } from '../container/store.ts';
import { tool } from '../container/tool.ts';
import { removeStaleNamespaces } from '../kernel/harness/namespace.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The path of the Debian package under test. */
    readonly debianPackage: string;
  }
}

/** Before the tests of a run: builds the package, and removes what a killed run left behind. */
export default async function setup(project: TestProject): Promise<void> {
  await removeStaleNamespaces();
  await podman('rm', '--all', '--force');
  await buildah('rm', '--all');
  for await (const old of glob('build/*.deb')) await rm(old);
  // Small is for what users download.
  const quick = ['DPKG_DEB_COMPRESSOR_TYPE=gzip', 'DPKG_DEB_COMPRESSOR_LEVEL=1'];
  const path = await tool('env', ...quick, 'sh', 'scripts/package-deb.sh');
  project.provide('debianPackage', path.trim());
}
