import { closeSync, readSync, writeSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import { AgentError } from '../errors.ts';
import type { NetfilterRequest } from './ctnetlink.ts';
import type { NetfilterSocket } from './deletion.ts';

/** linux/socket.h and linux/netlink.h. Non-blocking, since an answer that is not there at once does not come. */
const afNetlink = 16;
const sockRaw = 3;
const sockNonblock = 0o4000;
const sockCloexec = 0o2_000_000;
const netlinkNetfilter = 12;

/** NLM_F_REQUEST and NLM_F_ACK. */
const flags = 0x1 | 0x4;
const headerLength = 16;
const errorMessage = 2;
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
    async request(request) {
      try {
        writeSync(descriptor, messageOf(request));
        return { error: errorIn(answer.subarray(0, readSync(descriptor, answer))) };
      } catch (cause) {
        throw new AgentError('TOOL_FAILED', 'the netlink socket to the connection table failed', { cause });
      }
    },
    close: () => closeSync(descriptor),
  };
}

/** With the header of every netlink message: length, type, flags, sequence, port, in the byte order of the host. */
function messageOf({ type, body }: NetfilterRequest): Buffer {
  const header = Buffer.alloc(headerLength);
  header.writeUInt32LE(headerLength + body.length, 0);
  header.writeUInt16LE(type, 4);
  header.writeUInt16LE(flags, 6);
  return Buffer.concat([header, body]);
}

/** The errno in an NLMSG_ERROR, which is negative; 0 says that all is well. */
function errorIn(answer: Buffer): string | undefined {
  if (answer.length < headerLength + 4 || answer.readUInt16LE(4) !== errorMessage) {
    throw new Error('the kernel answered with another message');
  }
  const errno = answer.readInt32LE(headerLength);
  return errno === 0 ? undefined : getSystemErrorName(errno);
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
