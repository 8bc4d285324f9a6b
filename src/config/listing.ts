import { lstat, readdir, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Problem } from './config.ts';
import { codeOfFailure, unreadable } from './file-error.ts';
import { problemOf } from './problem.ts';

/** Which files make up the config. None, without a problem: there is no config, and the defaults apply. */
export interface Listing {
  /** In the order in which they are merged. */
  readonly paths: readonly string[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** Where the kubelet's `..data` link points, for a directory that has one: another target is another generation. */
  readonly generation: string;
  /** The path is a link to nothing, as in the midst of a volume swap. */
  readonly isUnsettled: boolean;
}

const none: Listing = { paths: [], problems: [], warnings: [], generation: '', isUnsettled: false };

/**
 * Finds the config at a path: a file, or a directory whose files named `ip-masq*` count, in name order, or else its
 * file `config` (a ConfigMap mounted without `items`). Editors' and backup copies don't count.
 */
export async function listConfigFiles(path: string): Promise<Listing> {
  try {
    const isDirectory = (await stat(path)).isDirectory();
    return isDirectory ? await listDirectory(path) : { ...none, paths: [path] };
  } catch (cause) {
    const isMissing = codeOfFailure(cause) === 'ENOENT';
    if (isMissing && !(await exists(path))) return none;
    return { ...none, problems: [unreadable(path, cause)], isUnsettled: isMissing };
  }
}

async function listDirectory(directory: string): Promise<Listing> {
  const generation = await generationOf(directory);
  const names = (await readdir(directory)).filter((name) => !name.startsWith('.')).sort();
  const matching = names.filter((name) => name.startsWith('ip-masq'));
  const chosen = matching.filter((name) => !isBackup(name));
  const warnings = matching.filter(isBackup).map((name) => skipped(join(directory, name)));
  if (chosen.length > 0) return listing(chosen);
  if (names.includes('config')) {
    warnings.push(problemOf(join(directory, 'config'), { message: 'read, since no file here is named ip-masq*' }));
    return listing(['config']);
  }
  if (names.length > 0 && warnings.length === 0) {
    const message = 'no file here is named ip-masq* or config: defaults apply';
    warnings.push(problemOf(directory, { message, found: names.join(', ') }));
  }
  return listing([]);

  function listing(files: readonly string[]): Listing {
    return { ...none, paths: files.map((name) => join(directory, name)), warnings, generation };
  }
}

/** Where the `..data` link of a ConfigMap volume points now; empty where there is none. */
export async function generationOf(directory: string): Promise<string> {
  return await readlink(join(directory, '..data')).catch(() => '');
}

/** Whether a name exists, if only as a link to nothing. */
async function exists(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    (cause) => codeOfFailure(cause) !== 'ENOENT',
  );
}

function isBackup(name: string): boolean {
  return /~$|\.(?:bak|orig|sw[a-z])$/.test(name);
}

function skipped(path: string): Problem {
  return problemOf(path, { message: "skipped: the name is that of an editor's or a backup copy" });
}
