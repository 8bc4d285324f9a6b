import { AgentError } from '../errors.ts';
import type { Connection } from './connection.ts';
import { deletionRequest, type NetfilterRequest } from './ctnetlink.ts';

/** A netlink socket of the kernel's netfilter (NETLINK_NETFILTER). */
export interface NetfilterSocket {
  /** Sends a request and gives the name of the errno that it ended with; undefined where it succeeded. Throws AgentError. */
  request(request: NetfilterRequest): Promise<{ readonly error: string | undefined }>;
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
