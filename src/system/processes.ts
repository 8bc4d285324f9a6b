import { writeFileSync } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';

/** A process, as proc(5) shows it. */
export interface Process {
  readonly pid: number;
  /** The arguments, the program's name first. */
  readonly args: readonly string[];
  /** The file that it runs. */
  readonly executable: string;
  /** Whether it belongs to root, or to whoever runs this process: then it may be believed what it says of itself. */
  readonly isTrusted: boolean;
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

/**
 * Has the kernel end this process before others where memory runs out (oom_score_adj, proc(5)): a command that somebody runs
 * in the agent's container must not cost the agent. Raising needs no right; without effect where /proc can't be written.
 */
export function goFirstWithoutMemory(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '1000');
  } catch {
    // Then whoever is largest goes first, as ever.
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
  const isTrusted = isTrustedUser(await readFile(`${directory}/status`, 'utf8'));
  return { pid, args, executable, isTrusted, startedAt: new Date((bootSeconds + ticks / ticksPerSecond) * 1000) };
}

/**
 * Whether all four user ids in the text of proc_pid_status(5) are root's or this process's own. The owner of the
 * directory does not tell: it is root for every process that may not be traced (proc(5)), and whoever starts a program
 * with set-user-ID chooses its arguments.
 */
function isTrustedUser(status: string): boolean {
  const ids = /^Uid:\t(\d+)\t(\d+)\t(\d+)\t(\d+)$/m.exec(status)?.slice(1) ?? [];
  return ids.length === 4 && ids.every((id) => isTrusted(Number(id)));
}

function isTrusted(uid: number): boolean {
  return uid === 0 || uid === process.geteuid?.();
}

/**
 * Whether everybody who listens on a TCP port of this network is root or the user of this process. False also where
 * nobody does, or /proc/net can't be read.
 */
export async function isPortTrusted(port: number): Promise<boolean> {
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8').catch(() => '')),
  );
  const users = tables.flatMap((table) => usersListening(table, port));
  return users.length > 0 && users.every(isTrusted);
}

/** The users of sockets that listen on a port, in a table of proc_net_tcp(5): TCP_LISTEN is state 0A. */
export function usersListening(table: string, port: number): readonly number[] {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = '', , state]) => local.endsWith(`:${hexPort}`) && state === '0A')
    .map((fields) => Number(fields[userField]));
}

const userField = 7;
