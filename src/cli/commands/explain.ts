import { networkInterfaces } from 'node:os';
import { answersOf } from '../../agent/names.ts';
import { AgentError, exitCodes } from '../../errors.ts';
import { explainConnection, formatExplanation } from '../../policy/explain.ts';
import { type Host, hostOf } from '../../policy/host.ts';
import { parseConnectionQuery } from '../../policy/packet.ts';
import { answersOfAgent, unknownNames } from '../agent-answers.ts';
import type { CommandFunction } from '../command.ts';
import { complainAbout, complainOfWarnings } from '../output.ts';
import { policyOf, readConfig } from '../wire/policy.ts';

/** Says what happens to one connection and which entry of the config decides it. Throws USAGE for a bad address. */
export const explain: CommandFunction = async (context) => {
  const { flags } = context;
  const query = parseConnectionQuery({ source: flags.src, destination: flags.dst, protocol: flags.proto || undefined });
  if (!query.ok) throw new AgentError('USAGE', `explain: ${query.message}`);
  const reading = await readConfig(context);
  if (!reading.ok) return complainAbout(context, reading);
  complainOfWarnings(context, reading);
  const answers = await answersOfAgent(reading.config);
  const policy = policyOf(flags, reading, answersOf(answers));
  const explanation = explainConnection(
    { policy, settings: reading.config, host: thisMachine(), unknownNames: unknownNames(reading.config, answers) },
    query.packet,
  );
  context.print(
    flags.output === 'json' ? `${JSON.stringify(explanation, undefined, 2)}\n` : formatExplanation(explanation),
  );
  return exitCodes.done;
};

/** The node, where explain runs on it: in the agent's container, too, which shares the network of the host. */
function thisMachine(): Host {
  return hostOf(Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []));
}
