import { isUtf8 } from 'node:buffer';
import type { BigIntStats } from 'node:fs';
import { lstat, readdir, readlink, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Problem } from './config.ts';
import { problemOf } from './problems.ts';

/** Long enough for the clock of any file system to move on: writes closer together may bear the same time. */
const clockDoubtMs = 2000;

/** Which files make up the config. None, without a problem: there is no config, and the defaults apply. */
export interface ConfigFiles {
  /** In the order in which they are merged. */
  readonly files: readonly ConfigFile[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** Where the kubelet's `..data` link points, for a directory that has one: another target is another generation. */
  readonly generation: string;
  /** The path is a link to nothing, as in the midst of a volume swap. */
  readonly isUnsettled: boolean;
}

/** A file by the path that messages show; its name may be no UTF-8, and only the bytes of it find the file. */
export interface ConfigFile {
  readonly path: string;
  readonly directory: string;
  readonly name: Buffer;
}

/**
 * Identifies the state of the config on disk by names, inodes, sizes and times, without reading it, so that a look at
 * an unchanged config costs the same however long it is. Undefined where something changed so lately that a further
 * change might not show. `now` is in milliseconds since 1970.
 */
export async function fingerprintOf(path: string, now: number = Date.now()): Promise<string | undefined> {
  const lately = BigInt(now - clockDoubtMs) * 1_000_000n;
  const { files, generation } = await findConfigFiles(path);
  const stats = await Promise.all(files.map(statOf));
  if (stats.some((file) => typeof file !== 'string' && (file.mtimeNs > lately || file.ctimeNs > lately)))
    return undefined;
  return [generation, ...files.flatMap((file, index) => [file.path, describe(stats[index] ?? '')])].join('\0');
}

async function statOf(file: ConfigFile): Promise<BigIntStats | string> {
  return await stat(locationOf(file), { bigint: true }).catch(codeOfFailure);
}

function describe(stats: BigIntStats | string): string {
  if (typeof stats === 'string') return stats;
  const { dev, ino, size, mtimeNs, ctimeNs, mode } = stats;
  return [dev, ino, size, mtimeNs, ctimeNs, mode].join(' ');
}

const none: ConfigFiles = { files: [], problems: [], warnings: [], generation: '', isUnsettled: false };

/**
 * Finds the config at a path: a file, or a directory whose files named `ip-masq*` count, in name order, or else its
 * file `config` (a ConfigMap mounted without `items`). Editors' and backup copies don't count.
 */
export async function findConfigFiles(path: string): Promise<ConfigFiles> {
  try {
    if ((await stat(path)).isDirectory()) return await listDirectory(path);
    return { ...none, files: [{ path, directory: dirname(path), name: Buffer.from(basename(path)) }] };
  } catch (cause) {
    const isMissing = codeOfFailure(cause) === 'ENOENT';
    if (isMissing && !(await exists(path))) return none;
    return { ...none, problems: [unreadable(path, cause)], isUnsettled: isMissing };
  }
}

async function listDirectory(directory: string): Promise<ConfigFiles> {
  const generation = await generationOf(directory);
  const all = (await readdir(directory, { encoding: 'buffer' })).map((name) => fileIn(directory, name));
  const visible = all.filter(({ name }) => name[0] !== dot).sort((a, b) => Buffer.compare(a.name, b.name));
  const matching = visible.filter(({ name }) => name.subarray(0, prefix.length).equals(prefix));
  const chosen = matching.filter((file) => !isBackup(file));
  const warnings = matching.filter(isBackup).map(skipped);
  if (chosen.length > 0) return { ...none, files: chosen, warnings, generation };
  const plain = visible.filter(({ name }) => name.toString() === 'config');
  for (const { path } of plain) {
    warnings.push(problemOf(path, { message: 'read, since no file here is named ip-masq*' }));
  }
  if (visible.length > 0 && plain.length === 0 && warnings.length === 0) {
    const message = 'no file here is named ip-masq* or config: defaults apply';
    warnings.push(problemOf(directory, { message, found: visible.map(nameOf).join(', ') }));
  }
  return { ...none, files: plain, warnings, generation };
}

const dot = 0x2e;
const prefix = Buffer.from('ip-masq');

function fileIn(directory: string, name: Buffer): ConfigFile {
  return { path: join(directory, shownName(name)), directory, name };
}

/** A name that is no UTF-8 with its odd bytes as `\xff`, so that no two names look alike. */
function shownName(name: Buffer): string {
  if (isUtf8(name)) return name.toString();
  return name.toString('latin1').replaceAll(/[\u0080-\u00ff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
}

function nameOf({ path }: ConfigFile): string {
  return basename(path);
}

/** The bytes of a file's path, or of where it leads in one generation of a volume. */
export function locationOf({ directory, name }: ConfigFile, generation = ''): Buffer {
  return Buffer.concat([Buffer.from(`${join(directory, generation)}/`), name]);
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

function isBackup(file: ConfigFile): boolean {
  return /~$|\.(?:bak|orig|sw[a-z])$/.test(nameOf(file));
}

function skipped({ path }: ConfigFile): Problem {
  return problemOf(path, { message: "skipped: the name is that of an editor's or a backup copy" });
}

const reasons: ReadonlyMap<string, string> = new Map([
  ['EACCES', 'permission denied'],
  ['EPERM', 'permission denied'],
  ['ENOTDIR', 'a part of the path is not a directory'],
  ['ELOOP', 'links that lead in a circle'],
  ['ENOENT', 'a link to nothing'],
]);

/** The code of a failed system call, such as `ENOENT`; empty for any other error. */
export function codeOfFailure(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** A file or directory that can't be read, and why. */
export function unreadable(path: string, error: unknown): Problem {
  const code = codeOfFailure(error);
  const reason = reasons.get(code) ?? (error instanceof Error ? error.message : String(error));
  return problemOf(path, {
    message: `can't be read: ${reason}${code === '' ? '' : ` (${code})`}`,
    expected: 'a regular file, or a directory of such, that the agent may read',
  });
}
