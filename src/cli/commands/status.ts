import { type AttemptResults, attempt } from '../../backends/attempt.ts';
import { findForeignMasquerade } from '../../backends/foreign/foreign-masquerade.ts';
import { findLeftovers } from '../../backends/leftovers.ts';
import { type CrashingTable, findCrashingTables } from '../../backends/nft/crashing-sets.ts';
import { exitCodes } from '../../errors.ts';
import { parseListenAddress } from '../../net/listen-address.ts';
import type { Policy } from '../../policy/policy.ts';
import { formatNodeStatus } from '../../status/format.ts';
import { gatherNodeStatus, type RunningAgent } from '../../status/node-status.ts';
import { openNetlink } from '../../system/netlink.ts';
import { isPortTrusted } from '../../system/processes.ts';
import { systemRunner as runner } from '../../system/run.ts';
import { askForConfig, askForReport } from '../../telemetry/agent-report.ts';
import type { CommandFunction } from '../command.ts';
import type { Flags } from '../flags.ts';
import { type AgentProcess, findRunningAgents, hasOwnFlags } from '../running-agents.ts';
import { allBackends, selectBackend } from '../wire/backend.ts';
import { configReaderOf, policyOf, policyOfEffectiveConfig } from '../wire/policy.ts';

/**
 * What is in the kernel now, in every backend, and whether that is what the config asks for. Without flags of its own it
 * takes those of the running agent, so that it compares with what that agent was told.
 */
export const status: CommandFunction = async (context) => {
  const agents = await findRunningAgents();
  const [agent] = hasOwnFlags(context) ? [] : agents;
  const flags = agent ? agent.commandLine.flags : context.flags;
  const chain = flags['masq-chain'];
  const { backend, reason } = await selectBackend(flags, new AbortController().signal);
  const reading = await configReaderOf(flags).read();
  const found = await gatherNodeStatus({
    configPath: flags.config,
    reading,
    policy: reading.ok ? policyOf(flags, reading) : undefined,
    lastGoodPolicy: () => lastGoodPolicyOf(agent),
    backend,
    backendReason: reason,
    findLeftovers: () => findLeftovers({ active: backend.name, chain, runner, nft: allBackends(flags).nft }),
    findForeign: (policy) => findForeignMasquerade({ policy, chain, runner }),
    findCrashing,
    agents: await Promise.all(agents.map(describeAgent)),
    flagsOf: agent?.pid ?? null,
  });
  context.print(
    context.flags.output === 'json' ? `${JSON.stringify(found, undefined, 2)}\n` : formatNodeStatus(found, Date.now()),
  );
  const isAsConfigured = found.state === 'in-sync' && found.comparedWith === 'config';
  return isAsConfigured ? exitCodes.done : exitCodes.outOfSync;
};

/** Whatever keeps it from looking is said: that nothing was found must not be read from it. */
async function findCrashing(): Promise<AttemptResults<CrashingTable>> {
  const result = await attempt(() => findCrashingTables(openNetlink));
  return 'value' in result ? { found: result.value, failures: [] } : { found: [], failures: [result.error] };
}

async function describeAgent({ pid, startedAt, agentArgs, commandLine }: AgentProcess): Promise<RunningAgent> {
  const address = await addressOf(commandLine.flags);
  const report = 'refused' in address ? address.refused : await askForReport(address.trusted);
  return { pid, startedAt: startedAt.toISOString(), args: agentArgs, report };
}

/** The policy that a running agent keeps in force while the config on disk is invalid. */
async function lastGoodPolicyOf(agent: AgentProcess | undefined): Promise<Policy | undefined> {
  if (!agent) return undefined;
  const { flags } = agent.commandLine;
  const address = await addressOf(flags);
  const config = 'refused' in address ? undefined : await askForConfig(address.trusted);
  return config === undefined ? undefined : policyOfEffectiveConfig(flags, config);
}

/** Where an agent with these flags answers, or why it is not to be asked: whoever listens there may be somebody else. */
async function addressOf(flags: Flags): Promise<{ readonly trusted: string } | { readonly refused: string }> {
  const address = flags['healthz-bind-address'];
  if (address === '') return { refused: 'it serves no --healthz-bind-address' };
  const { port } = parseListenAddress(address);
  if (await isPortTrusted(port)) return { trusted: address };
  return { refused: `nobody listens on port ${port}, or somebody who is neither root nor the user of this command` };
}
