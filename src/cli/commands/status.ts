import { answersOf } from '../../agent/names.ts';
import { type AttemptResults, attempt } from '../../backends/attempt.ts';
import { findForeignMasquerade } from '../../backends/foreign/foreign-masquerade.ts';
import { findLeftovers } from '../../backends/leftovers.ts';
import { type CrashingTable, findCrashingTables } from '../../backends/nft/crashing-sets.ts';
import { exitCodes } from '../../errors.ts';
import { formatNodeStatus } from '../../status/format.ts';
import { gatherNodeStatus, type RunningAgent } from '../../status/node-status.ts';
import { openNetlink } from '../../system/netlink.ts';
import { findPodRoutes } from '../../system/pod-routes.ts';
import { systemRunner as runner } from '../../system/run.ts';
import { askForReport } from '../../telemetry/agent-report.ts';
import { addressOf, answersOfAgent, lastGoodPolicyOf, unknownNames } from '../agent-answers.ts';
import type { CommandFunction } from '../command.ts';
import { type AgentProcess, findRunningAgents, hasOwnFlags } from '../running-agents.ts';
import { allBackends, heldDestinationsOf, selectBackend } from '../wire/backend.ts';
import { configReaderOf, policyOf, withPodNetworks } from '../wire/policy.ts';

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
  const answers = reading.ok ? await answersOfAgent(reading.config, agent ?? agents[0]) : [];
  const policy = reading.ok ? policyOf(flags, reading, answersOf(answers)) : undefined;
  const found = await gatherNodeStatus({
    configPath: flags.config,
    reading: policy ? withPodNetworks(reading, policy, await findPodRoutes()) : reading,
    policy,
    names: answers,
    unknownNames: reading.ok ? unknownNames(reading.config, answers) : [],
    lastGoodPolicy: () => lastGoodPolicyOf(agent),
    backend,
    backendReason: reason,
    readHeld: heldDestinationsOf(flags, backend),
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
