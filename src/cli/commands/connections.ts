import { answersOf } from '../../agent/names.ts';
import { formatConnections } from '../../connections/format.ts';
import { readTableStatistics } from '../../connections/statistics.ts';
import { exitCodes } from '../../errors.ts';
import { answersOfAgent, lastGoodPolicyOf, unknownNames } from '../agent-answers.ts';
import type { CommandContext, CommandFunction } from '../command.ts';
import type { Flags } from '../flags.ts';
import { complainAbout, printJson } from '../output.ts';
import { findRunningAgents, hasOwnFlags } from '../running-agents.ts';
import { selectBackend } from '../wire/backend.ts';
import { inspectConnections, inspectionOf, rejudge } from '../wire/connections.ts';
import { policyOf, readConfig } from '../wire/policy.ts';
import { findPolicyInForce } from '../wire/policy-in-force.ts';

/**
 * Puts the node's connections beside the policy in force, and tells how many source ports are in use. With --rejudge it
 * deletes those that are judged otherwise now, but only where the kernel holds that policy to the last element.
 */
export const connections: CommandFunction = async (context) => {
  const { output, rejudge: mode } = context.flags;
  const [agent] = hasOwnFlags(context, ['rejudge', 'snat-port-budget']) ? [] : await findRunningAgents();
  const flags = agent ? withBudget(agent.commandLine.flags, context) : context.flags;
  const { backend } = await selectBackend(flags, new AbortController().signal);
  const reading = await readConfig({ flags, readInput: context.readInput });
  const ofAgent = await lastGoodPolicyOf(agent);
  const answers = reading.ok ? await answersOfAgent(reading.config, agent) : [];
  let likeliest = ofAgent;
  if (reading.ok) likeliest = policyOf(flags, reading, answersOf(answers));
  else if (!likeliest) return complainAbout(context, reading);
  const { policy, doubt } = await findPolicyInForce(backend, likeliest, ofAgent);
  if (doubt !== undefined && mode !== '') {
    context.complain(`error: ${doubt}; nothing was deleted\n`);
    return exitCodes.outOfSync;
  }
  const names = reading.ok ? unknownNames(reading.config, answers) : [];
  const options = { ...inspectionOf(flags, policy, backend.name), unknownNames: names };
  const { report, remarks } = await (mode === '' ? inspectConnections(options) : rejudge({ ...options, mode }));
  const doubts = doubt === undefined ? [] : [`${doubt}; connections are judged by the config all the same`];
  for (const remark of [...doubts, ...remarks]) context.complain(`warning: ${remark}\n`);
  if (output === 'json') printJson(context, report);
  else context.print(formatConnections(report, await readTableStatistics()));
  return doubts.length === 0 ? exitCodes.done : exitCodes.outOfSync;
};

/** A budget that is asked for counts beside the flags of the agent that runs. */
function withBudget(flags: Flags, { given, flags: own }: CommandContext): Flags {
  return given.has('snat-port-budget') ? { ...flags, 'snat-port-budget': own['snat-port-budget'] } : flags;
}
