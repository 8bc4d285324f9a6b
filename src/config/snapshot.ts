import { constants, open } from 'node:fs/promises';
import type { Problem } from './config.ts';
import { codeOfFailure, unreadable } from './file-error.ts';
import { generationOf, type Listing, listConfigFiles } from './listing.ts';
import { problemOf } from './problem.ts';

/** 8 MiB: 100,000 CIDRs fit, and a ConfigMap holds 1 MiB. */
const maximumSize = 8 * 1024 * 1024;

/** The files of a config, all of one generation of a ConfigMap volume. */
export interface Snapshot {
  readonly files: readonly SnapshotFile[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** Something is only half there, as in the midst of a volume swap: worth another look soon. */
  readonly isUnsettled: boolean;
}

export interface SnapshotFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Reads the files of a config; again, but not for ever, where the generation changes under way. Never throws. */
export async function takeSnapshot(path: string, attempts = 5): Promise<Snapshot> {
  const listing = await listConfigFiles(path);
  const snapshot = await readFiles(listing);
  if (listing.generation === '' || (await generationOf(path)) === listing.generation) return snapshot;
  return attempts > 1 ? await takeSnapshot(path, attempts - 1) : { ...snapshot, isUnsettled: true };
}

async function readFiles({ paths, problems, warnings, isUnsettled }: Listing): Promise<Snapshot> {
  const files: SnapshotFile[] = [];
  const found = [...problems];
  let isMissingSome = isUnsettled;
  for (const path of paths) {
    try {
      const bytes = await readRegularFile(path);
      if (bytes instanceof Uint8Array) files.push({ path, bytes });
      else found.push(bytes);
    } catch (cause) {
      found.push(unreadable(path, cause));
      isMissingSome ||= codeOfFailure(cause) === 'ENOENT';
    }
  }
  return { files, problems: found, warnings, isUnsettled: isMissingSome };
}

/** The bytes of a file, or why it is no config: opened so that neither a FIFO nor a device can hold us up. */
async function readRegularFile(path: string): Promise<Uint8Array | Problem> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) {
      return problemOf(path, { message: 'not a file that holds a config', expected: 'a regular file' });
    }
    if (stats.size > maximumSize) return tooLarge(path);
    const bytes = await file.readFile();
    return bytes.length > maximumSize ? tooLarge(path) : bytes;
  } finally {
    await file.close();
  }
}

function tooLarge(path: string): Problem {
  return problemOf(path, { message: 'larger than 8 MiB', expected: 'fewer and larger networks' });
}
