import type { Problem } from './config.ts';
import { problemOf } from './problem.ts';

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
