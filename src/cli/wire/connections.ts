import type { BackendName } from '../../backends/backend.ts';
import { readNatHooks } from '../../backends/foreign/nat-hooks.ts';
import { withNetfilterSocket } from '../../connections/deletion.ts';
import type { InspectionOptions } from '../../connections/inspect.ts';
import { readLocalAddresses } from '../../connections/local-addresses.ts';
import { type RejudgeMode, type Rejudgement, rejudgeConnections } from '../../connections/rejudge.ts';
import type { Policy } from '../../policy/policy.ts';
import { systemRunner as runner, systemStreamer as streamer } from '../../system/run.ts';
import type { Flags } from '../flags.ts';

export { inspectConnections } from '../../connections/inspect.ts';
export { countLeftBehind } from '../../connections/rejudge.ts';

/** What it takes to look at the connections of this node beside a policy; `backend` is the one that holds our rules. */
export function inspectionOf(
  flags: Flags,
  policy: Policy,
  backend: BackendName,
  signal?: AbortSignal,
): InspectionOptions {
  const chain = flags['masq-chain'];
  return {
    policy,
    streamer,
    readHost: readLocalAddresses,
    readNatHooks: (families) => readNatHooks({ own: backend, chain, families, runner, signal }),
    portBudget: flags['snat-port-budget'],
    signal,
  };
}

/** Deletes the connections that are judged otherwise. Throws AgentError. */
export function rejudge(
  options: InspectionOptions & { readonly mode: RejudgeMode; readonly previous?: Policy | undefined },
): Promise<Rejudgement> {
  return withNetfilterSocket((socket) => rejudgeConnections({ ...options, socket }));
}
