import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { codeOfFailure } from './file-error.ts';
import { listConfigFiles } from './listing.ts';

/** Long enough for the clock of any file system to move on: writes closer together may bear the same time. */
const clockDoubtMs = 2000;

/**
 * Identifies the state of the config on disk by names, inodes, sizes and times, without reading it, so that a look at
 * an unchanged config costs the same however long it is. Undefined where something changed so lately that a further
 * change might not show. `now` is in milliseconds since 1970.
 */
export async function fingerprintOf(path: string, now: number = Date.now()): Promise<string | undefined> {
  const lately = BigInt(now - clockDoubtMs) * 1_000_000n;
  const { paths, generation } = await listConfigFiles(path);
  const stats = await Promise.all(paths.map(statOf));
  if (stats.some((file) => typeof file !== 'string' && (file.mtimeNs > lately || file.ctimeNs > lately)))
    return undefined;
  return [generation, ...paths.flatMap((file, index) => [file, describe(stats[index] ?? '')])].join('\0');
}

async function statOf(path: string): Promise<BigIntStats | string> {
  return await stat(path, { bigint: true }).catch(codeOfFailure);
}

function describe(stats: BigIntStats | string): string {
  if (typeof stats === 'string') return stats;
  const { dev, ino, size, mtimeNs, ctimeNs, mode } = stats;
  return [dev, ino, size, mtimeNs, ctimeNs, mode].join(' ');
}
