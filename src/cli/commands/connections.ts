import { isDeepStrictEqual } from 'node:util';
import { readNatHooks } from '../../backends/foreign/nat-hooks.ts';
import { formatConnections } from '../../connections/format.ts';
import { type Inspection, type InspectionOptions, inspectConnections } from '../../connections/inspect.ts';
import { readLocalAddresses } from '../../connections/local-addresses.ts';
import { openNetfilterSocket } from '../../connections/netfilter-socket.ts';
import { rejudgeConnections } from '../../connections/rejudge.ts';
import { readTableStatistics } from '../../connections/statistics.ts';
import { exitCodes } from '../../errors.ts';
import { systemRunner as runner, systemStreamer as streamer } from '../../system/run.ts';
import { selectBackend } from '../backend-source.ts';
import type { CommandFunction } from '../command.ts';
import { defaultFlags, type Flags } from '../flags.ts';
import { findPolicyInForce } from '../policy-in-force.ts';
import { configReaderOf, policyOf } from '../policy-source.ts';
import { complainAbout } from '../problems.ts';
import { findRunningAgents } from '../running-agents.ts';

/**
 * Puts the node's connections beside the policy in force, and tells how many source ports are in use. With --rejudge it
 * deletes those that are judged otherwise now, but only where the kernel holds that policy to the last element.
 */
export const connections: CommandFunction = async (context) => {
  const { output, rejudge } = context.flags;
  const flags = await flagsOf(context.flags);
  const { backend } = await selectBackend(flags, new AbortController().signal);
  const reading = await configReaderOf(flags).read();
  if (!reading.ok) return complainAbout(context, reading);
  const { policy, doubt } = await findPolicyInForce(backend, [policyOf(flags, reading.config)]);
  if (doubt !== undefined) {
    const consequence = rejudge === '' ? 'connections are judged by the config all the same' : 'nothing was deleted';
    context.complain(`${doubt}; ${consequence}\n`);
    if (rejudge !== '') return exitCodes.outOfSync;
  }
  const options: InspectionOptions = {
    policy,
    streamer,
    readHost: readLocalAddresses,
    readNatHooks: (families) => readNatHooks({ own: backend.name, chain: flags['masq-chain'], families, runner }),
    portBudget: flags['snat-port-budget'],
  };
  const { report, remarks } = await (rejudge === '' ? inspectConnections(options) : rejudged(options, rejudge));
  for (const remark of remarks) context.complain(`${remark}\n`);
  context.print(
    output === 'json'
      ? `${JSON.stringify(report, undefined, 2)}\n`
      : formatConnections(report, await readTableStatistics()),
  );
  return doubt === undefined ? exitCodes.done : exitCodes.outOfSync;
};

/** Those of the running agent, where the command line has none of its own. */
async function flagsOf(given: Flags): Promise<Flags> {
  const { output, rejudge, 'snat-port-budget': budget } = defaultFlags;
  if (!isDeepStrictEqual({ ...given, output, rejudge, 'snat-port-budget': budget }, defaultFlags)) return given;
  const [agent] = await findRunningAgents();
  if (!agent) return given;
  const { flags } = agent.commandLine;
  return { ...flags, 'snat-port-budget': given['snat-port-budget'] ?? flags['snat-port-budget'] };
}

async function rejudged(options: InspectionOptions, mode: 'udp' | 'all'): Promise<Inspection> {
  const socket = await openNetfilterSocket();
  try {
    return await rejudgeConnections({ ...options, mode, socket });
  } finally {
    await socket.close();
  }
}
