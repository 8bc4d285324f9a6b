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
  /** How many connections are remembered at once. */
  readonly capacity?: number;
}

export interface Rejudgement extends Inspection {
  /** How the connections stood before; `deleted` says how many of them were deleted. */
  readonly report: ConnectionReport;
}

/** Connections to remember at once: 40 MB. */
const capacityByDefault = 50_000;

/**
 * Deletes the connections that the policy in force judges otherwise than they were treated, so that their next packet
 * is judged anew. All others lose nothing. The rules of the policy must be in place. Where there are very many, the
 * table is read several times. Throws AgentError; what was deleted until then stays so.
 */
export async function rejudgeConnections(options: RejudgeOptions): Promise<Rejudgement> {
  const { capacity = capacityByDefault, deleted } = options;
  // Counts at the end only: one of two that look the same may have to wait for the next time.
  const done = new DeletedConnections();
  const first = await deleteSome(options, capacity, done);
  let { count, busy } = first;
  for (let left = first.condemned - capacity; left > 0; left -= capacity) {
    const next = await deleteSome(options, capacity, done);
    count += next.count;
    busy = next.busy;
  }
  deleted?.addAll(done);
  const notDeleted = busy > 0 ? [`${busy} connections are forwarded by a flowtable and could not be deleted`] : [];
  return { report: { ...first.report, deleted: count }, remarks: [...first.remarks, ...notDeleted] };
}

/** Reads the table once and deletes as many as can be remembered. */
async function deleteSome(options: RejudgeOptions, capacity: number, done: DeletedConnections) {
  const { mode, socket, previous, policy, signal } = options;
  const isFlipped = previous ? flipsBetween(previous, policy) : () => true;
  const remembered: Connection[] = [];
  let condemned = 0;
  const { report, remarks } = await inspectConnections({
    ...options,
    onOtherwise: (connection) => {
      if ((mode === 'udp' && connection.protocol !== 'udp') || !isFlipped(connection)) return;
      condemned++;
      if (remembered.length < capacity) remembered.push(connection);
    },
  });
  let count = 0;
  let busy = 0;
  for (const connection of remembered) {
    if (signal?.aborted) throw new AgentError('ABORTED', 'stopped before all connections were deleted');
    const outcome = await deleteConnection(socket, connection);
    if (outcome === 'busy') busy++;
    if (outcome !== 'deleted') continue;
    count++;
    done.add(connection);
  }
  return { report, remarks, count, busy, condemned };
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
