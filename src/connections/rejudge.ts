import { AgentError } from '../errors.ts';
import { parseAddress } from '../net/address.ts';
import { sameOutcome } from '../policy/decide.ts';
import type { Policy } from '../policy/policy.ts';
import type { ConnectionReport } from './census.ts';
import type { Connection } from './connection.ts';
import { DeletedConnections } from './deleted-connections.ts';
import { deleteConnection, type NetfilterSocket } from './deletion.ts';
import { type Inspection, type InspectionOptions, inspectConnections } from './inspect.ts';
import { VerdictLookup } from './verdict-lookup.ts';

/** Which connections may be deleted: those of UDP only, or of every protocol, TCP's too, which break by it. */
export type RejudgeMode = 'udp' | 'all';

export interface RejudgeOptions extends InspectionOptions {
  readonly mode: RejudgeMode;
  readonly socket: NetfilterSocket;
  /** The policy before this one: only connections about which the two differ are deleted. */
  readonly previous?: Policy | undefined;
}

export interface Rejudgement extends Inspection {
  /** How the connections stood before; `deleted` says how many of them were deleted. */
  readonly report: ConnectionReport;
}

/**
 * Deletes the connections that the policy in force judges otherwise than they were treated, so that their next packet
 * is judged anew. All others lose nothing. The rules of the policy must be in place. Throws AgentError; what was deleted
 * until then stays so.
 */
export async function rejudgeConnections(options: RejudgeOptions): Promise<Rejudgement> {
  const { mode, socket, previous, policy, deleted = new DeletedConnections(), signal } = options;
  const isFlipped = previous ? flipsBetween(previous, policy) : () => true;
  const condemned: Connection[] = [];
  const { report, remarks } = await inspectConnections({
    ...options,
    deleted,
    onOtherwise: (connection) => {
      if ((mode === 'all' || connection.protocol === 'udp') && isFlipped(connection)) condemned.push(connection);
    },
  });
  let count = 0;
  let busy = 0;
  for (const connection of condemned) {
    if (signal?.aborted) throw new AgentError('ABORTED', `stopped after the deletion of ${count} connections`);
    const outcome = await deleteConnection(socket, connection);
    if (outcome === 'busy') busy++;
    if (outcome !== 'deleted') continue;
    count++;
    deleted.add(connection);
  }
  const notDeleted = busy > 0 ? [`${busy} connections are forwarded by a flowtable and could not be deleted`] : [];
  return { report: { ...report, deleted: count }, remarks: [...remarks, ...notDeleted] };
}

/** How many live connections a change from one policy to another would leave as they are. Throws AgentError. */
export async function countLeftBehind(options: InspectionOptions & { readonly previous: Policy }): Promise<number> {
  const isFlipped = flipsBetween(options.previous, options.policy);
  let count = 0;
  await inspectConnections({
    ...options,
    onOtherwise: (connection) => {
      if (isFlipped(connection)) count++;
    },
  });
  return count;
}

/** Whether the two policies treat a connection differently. */
function flipsBetween(previous: Policy, policy: Policy): (connection: Connection) => boolean {
  const [before, after] = [new VerdictLookup(previous), new VerdictLookup(policy)];
  return ({ original, reply }) => {
    const source = parseAddress(original.source);
    const destination = parseAddress(reply.source);
    if (!source || !destination) return false;
    return !sameOutcome(before.outcomeOf(source, destination), after.outcomeOf(source, destination));
  };
}
