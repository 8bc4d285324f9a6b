import { closeSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import { AgentError } from '../errors.ts';

/**
 * Node can't make a netlink socket, but through its foreign-function interface libc can; from then on it is a descriptor
 * that fs.read() and fs.write() work on. Numbers are those of linux/socket.h and asm-generic, the same on x64 and arm64.
 */
const afNetlink = 16;
const sockRaw = 3;
const sockCloexec = 0o2000000;
const solSocket = 1;
const soRcvbufforce = 33;
/** struct sockaddr_nl: family u16, padding u16, port u32, groups u32. */
const addressLength = 12;

/** The kernel's default, 208 KiB, is full after 2,000 changed elements. Takes memory only while something waits. */
const receiveBufferBytes = 4 * 1024 * 1024;

const signatures = {
  socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  bind: { arguments: ['i32', 'buffer', 'u32'], return: 'i32' },
  getsockname: { arguments: ['i32', 'buffer', 'buffer'], return: 'i32' },
  setsockopt: { arguments: ['i32', 'i32', 'i32', 'buffer', 'u32'], return: 'i32' },
  // errno(3) is a macro over this, in glibc.
  __errno_location: { arguments: [], return: 'pointer' },
} as const;

/** A bound socket and its port. Throws AgentError as `openNetlink` says. */
export async function openSocket({
  protocol,
  groups = [],
}: {
  readonly protocol: number;
  readonly groups?: readonly number[];
}): Promise<{ readonly descriptor: number; readonly port: number }> {
  const { functions: libc, errno } = await loadLibc();
  const check = (call: string, result: number): number => {
    if (result >= 0) return result;
    const name = getSystemErrorName(-errno());
    const code = name === 'EPERM' || name === 'EACCES' ? 'NO_PERMISSION' : 'KERNEL_UNSUPPORTED';
    throw new AgentError(code, `netlink: ${call}: ${name}`);
  };
  const descriptor = check('socket', libc.socket(afNetlink, sockRaw | sockCloexec, protocol));
  try {
    // Where this is not allowed, the default has to do.
    libc.setsockopt(descriptor, solSocket, soRcvbufforce, int32(receiveBufferBytes), 4);
    const address = Buffer.alloc(addressLength);
    address.writeUInt16LE(afNetlink, 0);
    address.writeUInt32LE(
      groups.reduce((mask, group) => (mask | (1 << (group - 1))) >>> 0, 0),
      8,
    );
    check('bind', libc.bind(descriptor, address, addressLength));
    check('getsockname', libc.getsockname(descriptor, address, int32(addressLength)));
    return { descriptor, port: address.readUInt32LE(4) };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

async function loadLibc() {
  try {
    // Behind --experimental-ffi, and not there before Node 26.
    const ffi = await import('node:ffi');
    // Not a file: the libc that this process is linked against.
    const { functions } = ffi.dlopen(null, signatures);
    return { functions, errno: () => ffi.getInt32(functions.__errno_location()) };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AgentError('KERNEL_UNSUPPORTED', `netlink: Node gives no access to sockets of this kind: ${why}`, {
      cause,
    });
  }
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32LE(value, 0);
  return buffer;
}
