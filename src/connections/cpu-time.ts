import { readFile } from 'node:fs/promises';

/** Linux tells user space times of processes in hundredths of a second, whatever its own clock (USER_HZ). */
const millisecondsPerTick = 10;

/**
 * CPU time of this process and of the tools that it has run to their end, user and system, in milliseconds. Node tells
 * its own only, so that of the tools is read from /proc, where it is exact to 10 ms; 0 where that can't be read.
 */
export async function cpuTimeMs(): Promise<number> {
  const { user, system } = process.cpuUsage();
  const stat = await readFile('/proc/self/stat', 'latin1').catch(() => '');
  return (user + system) / 1000 + ticksOfChildren(stat) * millisecondsPerTick;
}

/** cutime and cstime of proc_pid_stat(5): fields 16 and 17; the second, a name in parentheses, may hold blanks. */
export function ticksOfChildren(stat: string): number {
  const fields = stat
    .slice(stat.lastIndexOf(')') + 1)
    .trim()
    .split(' ');
  return (Number(fields[13]) || 0) + (Number(fields[14]) || 0);
}
