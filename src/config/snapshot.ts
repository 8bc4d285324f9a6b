import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Problem } from './config.ts';
import {
  type ConfigFile,
  type ConfigFiles,
  codeOfFailure,
  findConfigFiles,
  generationOf,
  locationOf,
  unreadable,
} from './files.ts';
import { problemOf } from './problems.ts';

/** 8 MiB, of all files together: 100,000 CIDRs fit, and a ConfigMap holds 1 MiB. */
const maximumSize = 8 * 1024 * 1024;

/** The files of a config, all of one generation of a ConfigMap volume. */
export interface Snapshot {
  readonly files: readonly SnapshotFile[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** Something is only half there, as in the midst of a volume swap: worth another look soon. */
  readonly isUnsettled: boolean;
  /** The files are of several generations, since the volume was swapped again and again: nobody ever wrote such a config. */
  readonly isTorn?: boolean;
}

export interface SnapshotFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Reads the files of a config; again, but not for ever, where the generation changes under way. Never throws. */
export async function takeSnapshot(path: string, attempts = 5): Promise<Snapshot> {
  const found = await findConfigFiles(path);
  const { generation } = found;
  const { snapshot, isOneGeneration } = await readFiles(found);
  if (generation === '' || (await generationOf(path)) === generation) return snapshot;
  if (attempts > 1) return await takeSnapshot(path, attempts - 1);
  return isOneGeneration ? snapshot : { ...snapshot, isUnsettled: true, isTorn: true };
}

async function readFiles(
  found: ConfigFiles,
): Promise<{ readonly snapshot: Snapshot; readonly isOneGeneration: boolean }> {
  const { warnings, generation } = found;
  const files: SnapshotFile[] = [];
  const problems = [...found.problems];
  let { isUnsettled } = found;
  let isOneGeneration = true;
  let room = maximumSize;
  for (const file of found.files) {
    try {
      const bytes = generation === '' ? undefined : await readWithin(generation, file, room);
      isOneGeneration &&= bytes !== undefined;
      files.push({ path: file.path, bytes: bytes ?? (await readRegularFile(locationOf(file), room)) });
      room -= files.at(-1)?.bytes.length ?? 0;
    } catch (cause) {
      problems.push(cause instanceof UnfitFile ? problemOf(file.path, cause) : unreadable(file.path, cause));
      isUnsettled ||= codeOfFailure(cause) === 'ENOENT';
    }
  }
  return { snapshot: { files, problems, warnings, isUnsettled }, isOneGeneration };
}

/** Reads a file where its link leads in one generation, whatever the volume is swapped to; undefined if it is not there. */
async function readWithin(generation: string, file: ConfigFile, room: number): Promise<Uint8Array | undefined> {
  try {
    return await readRegularFile(locationOf(file, generation), room);
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

/** The bytes of a file that is no larger than `room`, opened so that neither a FIFO nor a device can hold us up. */
async function readRegularFile(location: Buffer, room: number): Promise<Uint8Array> {
  const { O_RDONLY, O_NONBLOCK, O_NOCTTY } = constants;
  await using file = await open(location, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  const stats = await file.stat();
  if (!stats.isFile()) throw new UnfitFile('not a file that holds a config', 'a regular file');
  const bytes = stats.size > room ? undefined : await file.readFile();
  if (bytes === undefined || bytes.length > room) {
    const others = room < maximumSize ? ', together with the files before it' : '';
    throw new UnfitFile(`larger than 8 MiB${others}`, 'fewer and larger networks');
  }
  return bytes;
}
