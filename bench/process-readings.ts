import { readdirSync, readFileSync } from 'node:fs';

/** Resident memory of a process in MB (2^20 bytes): all of it, and what is not backed by a file. See proc_pid_status(5). */
export function memoryOf(pid: number): { readonly resident: number; readonly anonymous: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024;
  return { resident: field('VmRSS'), anonymous: field('RssAnon') };
}

/** Linux shows processor times in hundredths of a second, whatever the kernel's own clock (time(7)). */
const msPerTick = 10;

/**
 * Processor time in ms that a process took so far, and its children: those that have ended, in steps of a hundredth of a
 * second (proc_pid_stat(5)), and those that still run.
 */
export function cpuOf(pid: number): { readonly own: number; readonly children: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name, which may hold anything, ends with the last parenthesis; cutime is the fourteenth field after it.
  const [cutime = 0, cstime = 0] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(13, 15)
    .map(Number);
  const running = childrenOf(pid).reduce((sum, child) => sum + ownCpuOf(child), 0);
  return { own: ownCpuOf(pid), children: (cutime + cstime) * msPerTick + running };
}

/** Of all threads, as the scheduler counts it in ns (sched-stats.rst in the kernel's documentation). */
function ownCpuOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const times = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
  return times.reduce((sum, time) => sum + Number(time), 0) / 1e6;
}

/** The processes that a process has started and that still run. */
export function childrenOf(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.split(' ').filter(Boolean).map(Number);
}
