import { closeSync, readSync, writeSync } from 'node:fs';
import { AgentError } from '../errors.ts';
import type { NetfilterSocket } from './deletion.ts';

/** linux/socket.h and linux/netlink.h. Non-blocking, since an answer that is not there at once does not come. */
const afNetlink = 16;
const sockRaw = 3;
const sockNonblock = 0o4000;
const sockCloexec = 0o2_000_000;
const netlinkNetfilter = 12;

/** Longer than any acknowledgement, which repeats the request where that was refused. */
const maxAnswer = 4096;

export interface OpenNetfilterSocket extends NetfilterSocket {
  close(): void;
}

/**
 * Opens a socket to the kernel's netfilter through libc. The kernel handles a request while it is being written, so its
 * answer can be read right after. Throws AgentError NETLINK_UNAVAILABLE where Node can't call libc or the kernel refuses.
 */
export async function openNetfilterSocket(): Promise<OpenNetfilterSocket> {
  const descriptor = await openSocket();
  const answer = Buffer.alloc(maxAnswer);
  return {
    async request(message) {
      try {
        writeSync(descriptor, message);
        return answer.subarray(0, readSync(descriptor, answer));
      } catch (cause) {
        throw new AgentError('TOOL_FAILED', 'the netlink socket to the connection table failed', { cause });
      }
    },
    close: () => closeSync(descriptor),
  };
}

async function openSocket(): Promise<number> {
  try {
    const { dlopen } = await import('node:ffi');
    const { functions } = dlopen(null, { socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' } });
    const descriptor = functions.socket(afNetlink, sockRaw | sockNonblock | sockCloexec, netlinkNetfilter);
    if (descriptor >= 0) return descriptor;
  } catch (cause) {
    throw unavailable('this Node can’t call libc to make one', cause);
  }
  throw unavailable('the kernel refuses it', undefined);
}

function unavailable(why: string, cause: unknown): AgentError {
  return new AgentError('NETLINK_UNAVAILABLE', `connections are deleted through a netlink socket: ${why}`, { cause });
}
