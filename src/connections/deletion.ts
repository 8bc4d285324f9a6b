import { AgentError, asAgentError, codeOf } from '../errors.ts';
import { openNetlink } from '../system/netlink.ts';
import type { NetlinkRequest } from '../system/netlink-messages.ts';
import type { Connection } from './connection.ts';
import { deletionRequest } from './ctnetlink.ts';

/** As much of a netlink socket as it takes to delete connections. */
export interface NetfilterSocket {
  request(request: NetlinkRequest): Promise<{ readonly error: string | undefined }>;
}

/** NETLINK_NETFILTER of linux/netlink.h. */
const netfilterProtocol = 12;

/**
 * Opens a socket to the kernel's netfilter for as long as `use` takes. Throws AgentError NETLINK_UNAVAILABLE where Node
 * gives none, and what `use` throws.
 */
export async function withNetfilterSocket<T>(use: (socket: NetfilterSocket) => Promise<T>): Promise<T> {
  const socket = await openNetlink({ protocol: netfilterProtocol }).catch((cause: unknown) => {
    if (codeOf(cause) !== 'KERNEL_UNSUPPORTED') throw cause;
    const message = `connections are deleted through a netlink socket: ${asAgentError(cause).message}`;
    throw new AgentError('NETLINK_UNAVAILABLE', message, { cause });
  });
  try {
    return await use(socket);
  } finally {
    await socket.close();
  }
}

/**
 * `gone`: it had ended already, or another connection has its place. `busy`: a flowtable forwards its packets (kernels
 * before 6.3).
 */
export type Deletion = 'deleted' | 'gone' | 'busy';

/** Deletes one connection from the kernel's table, and no other that looks like it. Throws AgentError. */
export async function deleteConnection(socket: NetfilterSocket, connection: Connection): Promise<Deletion> {
  const { error } = await socket.request(deletionRequest(connection));
  switch (error) {
    case undefined:
      return 'deleted';
    case 'ENOENT':
      return 'gone';
    case 'EBUSY':
      return 'busy';
    case 'EPERM':
      throw new AgentError('NO_PERMISSION', 'the kernel does not let this process delete connections');
    default:
      throw new AgentError('TOOL_FAILED', `the kernel did not delete a connection: ${error}`);
  }
}
