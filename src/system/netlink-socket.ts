import { readdir, readFile, readlink } from 'node:fs/promises';

/** What the kernel tells of a netlink socket. */
export interface NetlinkState {
  /** Bytes that its process has not read yet. */
  readonly unread: number;
  /** Messages that found no room, and are lost, since the socket was made. */
  readonly dropped: number;
}

/** A socket that another process listens on. */
export interface NetlinkSocket {
  /** How it is now; undefined once it is gone. Never throws. */
  state(): Promise<NetlinkState | undefined>;
}

/** Finds the socket through which a process hears a multicast group of a netlink protocol. Never throws. */
export type FindNetlinkSocket = (pid: number, group: NetlinkGroup) => Promise<NetlinkSocket | undefined>;

export interface NetlinkGroup {
  readonly protocol: number;
  /** Counted from 1, as in the headers of the kernel; up to 32. */
  readonly group: number;
}

interface SocketLine extends NetlinkState {
  readonly inode: string;
  readonly protocol: number;
  /** One bit for each group, the first group's the lowest. */
  readonly groups: number;
}

/** Looks in /proc, which tells of the sockets of a process only whoever may trace it: its parent may. */
export const findNetlinkSocket: FindNetlinkSocket = async (pid, { protocol, group }) => {
  const inodes = await socketsOf(pid);
  const hears = (line: SocketLine): boolean =>
    inodes.has(line.inode) && line.protocol === protocol && (line.groups & (1 << (group - 1))) !== 0;
  const found = (await readSockets(pid)).find(hears);
  if (found === undefined) return undefined;
  return { state: async () => (await readSockets(pid)).find(({ inode }) => inode === found.inode) };
};

/** The sockets in the network namespace of a process; none where that can't be read. */
async function readSockets(pid: number): Promise<readonly SocketLine[]> {
  try {
    return parseSockets(await readFile(`/proc/${pid}/net/netlink`, 'utf8'));
  } catch {
    return [];
  }
}

/** The table of netlink_seq_show() in the kernel: sk, Eth, Pid, Groups, Rmem, Wmem, Dump, Locks, Drops, Inode. */
export function parseSockets(text: string): readonly SocketLine[] {
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .flatMap(([, protocol, , groups, unread, , , , dropped, inode]) =>
      inode === undefined
        ? []
        : [
            {
              inode,
              protocol: Number(protocol),
              groups: Number(`0x${groups}`),
              unread: Number(unread),
              dropped: Number(dropped),
            },
          ],
    );
}

/** The inodes of a process's sockets. */
async function socketsOf(pid: number): Promise<ReadonlySet<string>> {
  const directory = `/proc/${pid}/fd`;
  const descriptors = await readdir(directory).catch(() => []);
  const targets = await Promise.all(descriptors.map((name) => readlink(`${directory}/${name}`).catch(() => '')));
  return new Set(targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []));
}
