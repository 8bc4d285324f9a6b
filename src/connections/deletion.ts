import { endianness } from 'node:os';
import { AgentError } from '../errors.ts';
import type { Connection } from './connection.ts';
import { deletionRequest } from './ctnetlink.ts';

/** A netlink socket of the kernel's netfilter (NETLINK_NETFILTER) that asks one thing at a time. */
export interface NetfilterSocket {
  /** Sends a whole message, and gives the kernel's answer to it as a whole message. Throws AgentError. */
  request(message: Uint8Array): Promise<Uint8Array>;
}

/** `gone`: it had ended already, or another connection has its place. */
export type Deletion = 'deleted' | 'gone' | 'busy';

const errorMessage = 2;
const errno = { eperm: 1, enoent: 2, ebusy: 16 } as const;

/** Deletes one connection from the kernel's table, and no other that looks like it. Throws AgentError. */
export async function deleteConnection(
  socket: NetfilterSocket,
  connection: Connection,
  sequence: number,
): Promise<Deletion> {
  const answer = await socket.request(deletionRequest(connection, sequence));
  const error = errorIn(answer);
  if (error === 0) return 'deleted';
  if (error === errno.enoent) return 'gone';
  // A flowtable forwards its packets (kernels before 6.3).
  if (error === errno.ebusy) return 'busy';
  if (error === errno.eperm) {
    throw new AgentError('NO_PERMISSION', 'the kernel does not let this process delete connections');
  }
  throw new AgentError('TOOL_FAILED', `the kernel did not delete a connection: errno ${error}`);
}

/** The error in an NLMSG_ERROR (linux/netlink.h): after the header of 16 bytes, negative; 0 says that all is well. */
function errorIn(answer: Uint8Array): number {
  const view = new DataView(answer.buffer, answer.byteOffset, answer.byteLength);
  const isLittleEndian = endianness() === 'LE';
  if (answer.length < 20 || view.getUint16(4, isLittleEndian) !== errorMessage) {
    throw new AgentError('INTERNAL', 'the kernel answered the deletion of a connection with another message');
  }
  return -view.getInt32(16, isLittleEndian);
}
