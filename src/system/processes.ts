import { writeFileSync } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';

/** A process, as proc(5) shows it. */
export interface Process {
  readonly pid: number;
  /** The arguments, the program's name first. */
  readonly args: readonly string[];
  /** The file that it runs. */
  readonly executable: string;
  readonly startedAt: Date;
}

/** Linux counts process times for its users in hundredths of a second, whatever the kernel's own clock (time(7)). */
const ticksPerSecond = 100;
/** Fields of /proc/PID/stat, counted from the one after the name, which may itself contain spaces. */
const startTimeField = 19;

/**
 * Gives this process the name that ps(1) shows, and that filters in the kernel judge its tools by: Node calls every main
 * thread alike. The arguments stay as they are. At most 15 bytes; without effect where /proc can't be written.
 */
export function nameThisProcess(name: string): void {
  try {
    writeFileSync('/proc/self/comm', name);
  } catch {
    // It is but a name.
  }
}

const netAdminBit = 12n;

/** Whether this process has CAP_NET_ADMIN (capabilities(7)); false where that can't be known. */
export async function hasNetAdmin(): Promise<boolean> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return effective !== undefined && ((BigInt(`0x${effective}`) >> netAdminBit) & 1n) === 1n;
}

/** Processes that this one can see and that share its network, without this one. Those that end meanwhile are left out. */
export async function processesOfThisNetwork(): Promise<readonly Process[]> {
  const network = await readlink('/proc/self/ns/net');
  const bootSeconds = Number(/^btime (\d+)$/m.exec(await readFile('/proc/stat', 'utf8'))?.[1]);
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const processes = await Promise.all(
    pids
      .filter((pid) => pid !== process.pid)
      .map((pid) => readProcess(pid, network, bootSeconds).catch(() => undefined)),
  );
  return processes.filter((found) => found !== undefined);
}

async function readProcess(pid: number, network: string, bootSeconds: number): Promise<Process | undefined> {
  const directory = `/proc/${pid}`;
  if ((await readlink(`${directory}/ns/net`)) !== network) return undefined;
  const args = (await readFile(`${directory}/cmdline`, 'utf8')).split('\0').slice(0, -1);
  const executable = await readlink(`${directory}/exe`);
  const stat = await readFile(`${directory}/stat`, 'utf8');
  const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[startTimeField]);
  return { pid, args, executable, startedAt: new Date((bootSeconds + ticks / ticksPerSecond) * 1000) };
}
