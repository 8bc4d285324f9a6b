import { readdir, readFile } from 'node:fs/promises';
import { AgentError } from '../errors.ts';

/**
 * What the agent may open at one moment beside what it holds while it is idle: the pipes of a tool (six until it has
 * started), a listing of the config's directory and a file, the watches of config and kernel.
 */
const ownNeeds = 24;

/**
 * How many descriptors this process may open beyond its own needs, which is what its clients can have. Throws
 * TOO_FEW_DESCRIPTORS where there are not even enough for those needs. Infinity where /proc does not tell.
 */
export async function spareDescriptors(): Promise<number> {
  const [limits, open] = await Promise.all([
    readFile('/proc/self/limits', 'utf8').catch(() => ''),
    readdir('/proc/self/fd').catch(() => []),
  ]);
  const limit = openFileLimit(limits);
  const spare = limit - open.length - ownNeeds;
  if (spare >= 0) return spare;
  throw new AgentError(
    'TOO_FEW_DESCRIPTORS',
    `this process may have ${limit} files open, and needs ${open.length + ownNeeds} at least`,
  );
}

/** The soft limit of open files (RLIMIT_NOFILE) in the text of proc_pid_limits(5); Infinity where there is none. */
export function openFileLimit(limits: string): number {
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
}
