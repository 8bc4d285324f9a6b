import { decidersOf } from '../backends/foreign/deciders.ts';
import type { NatHooks } from '../backends/foreign/nat-hooks.ts';
import { type Family, families } from '../net/family.ts';
import type { Host } from '../policy/host.ts';
import type { Policy } from '../policy/policy.ts';
import type { Streamer } from '../system/run.ts';
import { Census, type ConnectionReport } from './census.ts';
import type { Connection } from './connection.ts';
import type { DeletedConnections } from './deleted-connections.ts';
import { Judge, type Judgement } from './judge.ts';
import { readConnections } from './table.ts';

/** What an inspection looks at. */
export interface InspectionOptions {
  /** The policy in force. */
  readonly policy: Policy;
  readonly streamer: Streamer;
  /** Reads the node's own addresses. */
  readonly readHost: () => Promise<Host>;
  /** Reads the rules of other programs. */
  readonly readNatHooks: (families: readonly Family[]) => Promise<NatHooks>;
  /** DNS names in the policy whose addresses are not known: any destination may be under one of them. */
  readonly unknownNames?: readonly string[] | undefined;
  /** Ports per destination that a cloud's gateway leaves the node. */
  readonly portBudget?: number | undefined;
  /** What was deleted before and so belongs to others where it has come back. */
  readonly deleted?: DeletedConnections | undefined;
  /** Gets each connection that is judged otherwise. */
  readonly onOtherwise?: ((connection: Connection) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Inspection {
  readonly report: ConnectionReport;
  /** Why nothing, or not everything, could be judged. */
  readonly remarks: readonly string[];
}

/** Reads the kernel's connections and puts each beside the policy. Changes nothing. Throws AgentError. */
export async function inspectConnections(options: InspectionOptions): Promise<Inspection> {
  const { policy, streamer, signal } = options;
  const enabled = families.filter((family) => policy[family].enabled);
  const [host, hooks] = await Promise.all([options.readHost(), options.readNatHooks(enabled)]);
  const remarks = [...remarksOn(hooks), ...remarksOnNames(options.unknownNames ?? [])];
  const judge = new Judge({
    policy,
    host,
    decidersOf: remarks.length > 0 ? undefined : (source, destination) => decidersOf(hooks.found, source, destination),
  });
  const census = new Census({ toPorts: policy.toPorts, portBudget: options.portBudget });
  const { unreadable } = await readConnections({ streamer, families: enabled, signal }, (connection) => {
    const judgement = judgeWithHistory(judge, connection, options.deleted);
    if (judgement.kind === 'otherwise') options.onOtherwise?.(connection);
    census.add(connection, judgement);
  });
  if (unreadable > 0) remarks.push(`${unreadable} lines of conntrack were not understood`);
  return { report: census.report(), remarks };
}

function judgeWithHistory(judge: Judge, connection: Connection, deleted?: DeletedConnections): Judgement {
  const judgement = judge.judge(connection);
  if (judgement.kind !== 'otherwise' || !deleted?.has(connection)) return judgement;
  return { ...judgement, kind: 'other' };
}

const consequence = 'so no connection counts as judged otherwise';

function remarksOnNames(names: readonly string[]): string[] {
  return names.length > 0 ? [`the addresses of ${names.join(', ')} are not known, ${consequence}`] : [];
}

function remarksOn({ failures, complete }: NatHooks): string[] {
  return [
    ...failures.map(({ message }) => `rules of other programs could not be read (${message}), ${consequence}`),
    ...(complete ? [] : [`other programs have more chains of NAT rules than can be read, ${consequence}`]),
  ];
}
