import { existsSync, globSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import type { Runner } from '../../src/system/run.ts';
import { type Namespace, namespaceRunner } from '../kernel/harness/namespace.ts';
import { cached } from './cache.ts';
import { tool } from './tool.ts';

/** The releases of Debian whose nft nodes have, and what `nft --version` says there. */
export const nftVersions = { bullseye: '0.9.8', bookworm: '1.0.6', trixie: '1.1.3' } as const;

export type Release = keyof typeof nftVersions;

/** The command line of one version of nft, to which its arguments are added. */
export type NftCommand = readonly [loader: string, ...args: string[]];

/** Why no other version of nft can be had here; undefined where they can. */
export const whyNoVersions: string | undefined = (process.env['PATH'] ?? '')
  .split(delimiter)
  .some((directory) => existsSync(join(directory, 'mmdebstrap')))
  ? undefined
  : 'mmdebstrap is not installed';

/**
 * The nft of a release, run by its own loader with its own libraries. Fetched once, by mmdebstrap, which verifies Debian's
 * signatures, and kept in the cache.
 */
export async function nftOf(release: Release): Promise<NftCommand> {
  const root = cached(`nft-${release}`);
  if (!existsSync(root)) {
    const directory = await mkdtemp(`${root}-`);
    await tool('mmdebstrap', '--variant=extract', '--include=nftables', release, directory);
    // Another test may have been quicker.
    await rename(directory, root).catch(() => rm(directory, { recursive: true }));
  }
  const [loader] = globSync(join(root, '{lib,usr/lib}/*-linux-gnu/ld-linux-*.so.*'));
  if (loader === undefined) throw new Error(`there is no dynamic loader in ${root}`);
  const triplet = dirname(loader).split('/').at(-1) ?? '';
  const libraries = ['lib', 'usr/lib'].map((directory) => join(root, directory, triplet)).join(':');
  return [loader, '--library-path', libraries, join(root, 'usr/sbin/nft')];
}

/** Lets code of the agent that runs in this process work on a namespace with another nft than the machine's. */
export function runnerWith([loader, ...first]: NftCommand, namespace: Namespace): Runner {
  const runner = namespaceRunner(namespace);
  return {
    run: ({ tool: name, args, ...rest }) =>
      runner.run(name === 'nft' ? { tool: loader, args: [...first, ...args], ...rest } : { tool: name, args, ...rest }),
  };
}
