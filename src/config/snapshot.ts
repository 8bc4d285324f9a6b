import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Problem } from './config.ts';
import { codeOfFailure, unreadable } from './file-error.ts';
import { generationOf, type Listing, listConfigFiles } from './listing.ts';
import { problemOf } from './problem.ts';

// By number, and not as a FileHandle, which Node loads a megabyte for.
const open = promisify(fs.open);
const fstat = promisify(fs.fstat);
const readFile = promisify(fs.readFile);
const close = promisify(fs.close);

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
  const { generation } = listing;
  const { snapshot, isOneGeneration } = await readFiles(listing);
  if (generation === '' || (await generationOf(path)) === generation) return snapshot;
  if (attempts > 1) return await takeSnapshot(path, attempts - 1);
  return isOneGeneration ? snapshot : { ...snapshot, isUnsettled: true };
}

async function readFiles(
  listing: Listing,
): Promise<{ readonly snapshot: Snapshot; readonly isOneGeneration: boolean }> {
  const { paths, warnings, generation } = listing;
  const files: SnapshotFile[] = [];
  const problems = [...listing.problems];
  let { isUnsettled } = listing;
  let isOneGeneration = true;
  for (const path of paths) {
    try {
      const bytes = generation === '' ? undefined : await readWithin(generation, path);
      isOneGeneration &&= bytes !== undefined;
      files.push({ path, bytes: bytes ?? (await readRegularFile(path)) });
    } catch (cause) {
      problems.push(cause instanceof UnfitFile ? problemOf(path, cause) : unreadable(path, cause));
      isUnsettled ||= codeOfFailure(cause) === 'ENOENT';
    }
  }
  return { snapshot: { files, problems, warnings, isUnsettled }, isOneGeneration };
}

/** Reads a file where its link leads in one generation, whatever the volume is swapped to; undefined if it is not there. */
async function readWithin(generation: string, path: string): Promise<Uint8Array | undefined> {
  try {
    return await readRegularFile(join(dirname(path), generation, basename(path)));
  } catch (cause) {
    if (codeOfFailure(cause) === 'ENOENT') return undefined;
    throw cause;
  }
}

/** A file that can be opened, but holds no config. */
class UnfitFile extends Error {
  readonly expected: string;

  constructor(message: string, expected: string) {
    super(message);
    this.expected = expected;
  }
}

/** The bytes of a file, opened so that neither a FIFO nor a device can hold us up. */
async function readRegularFile(path: string): Promise<Uint8Array> {
  const { O_RDONLY, O_NONBLOCK, O_NOCTTY } = fs.constants;
  const file = await open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  try {
    const stats = await fstat(file);
    if (!stats.isFile()) throw new UnfitFile('not a file that holds a config', 'a regular file');
    const bytes = stats.size > maximumSize ? undefined : await readFile(file);
    if (bytes === undefined || bytes.length > maximumSize) {
      throw new UnfitFile('larger than 8 MiB', 'fewer and larger networks');
    }
    return bytes;
  } finally {
    await close(file);
  }
}
