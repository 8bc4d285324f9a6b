import type { ConfigReading } from '../../config/config.ts';
import { digestOf, interpretSnapshot } from '../../config/interpret.ts';
import { AgentError, type ExitCode, exitCodes } from '../../errors.ts';
import { diffPolicies } from '../../policy/diff.ts';
import { type Compared, diffJson, formatDiff } from '../../policy/format-diff.ts';
import type { CommandContext } from '../command.ts';
import type { Flags } from '../flags.ts';
import { configReaderOf, policyOf } from '../policy-source.ts';
import { complainAbout, complainOfWarnings } from '../problems.ts';
import { findRunningAgents, hasOwnFlags } from '../running-agents.ts';

type ReadInput = () => Promise<Uint8Array>;

/**
 * Says which connections would be judged otherwise if the config NEW replaced the one of --config, and which entries
 * make it so. Without flags of its own it takes those of the running agent. Exit code 4: some would. Throws USAGE
 * without NEW, and CONFIG_ABSENT where NEW is not there or empty: in a container that is a forgotten `exec -i`.
 */
export async function diff(context: CommandContext, readInput: ReadInput): Promise<ExitCode> {
  const [path] = context.operands;
  if (path === undefined) {
    throw new AgentError('USAGE', 'diff: which config? expected a file, a directory, or - for standard input');
  }
  const flags = await flagsInForce(context.flags);
  // First, since whoever forgot the -i of kubectl should hear of that whatever else is wrong.
  const next = await readNew(path, flags, readInput);
  const current = await configReaderOf(flags).read();
  for (const reading of [current, next]) if (!reading.ok) complainAbout(context, reading);
  if (!current.ok || !next.ok) return exitCodes.configInvalid;
  complainOfWarnings(context, next);
  if (current.files.length === 0)
    context.complain(`warning: no config at ${flags.config}: compared with the defaults\n`);
  if (current.files.length > 1 && next.files.length === 1) {
    const files = current.files.join(', ');
    context.complain(`warning: ${next.files[0]} stands for all ${current.files.length} files of --config: ${files}\n`);
  }
  const before: Compared = { policy: policyOf(flags, current.config), settings: current.config };
  const after: Compared = { policy: policyOf(flags, next.config), settings: next.config };
  const changes = diffPolicies(before.policy, after.policy);
  const output =
    context.flags.output === 'json' ? diffJson(changes, before, after) : [formatDiff(changes, before, after)];
  for (const text of output) context.print(text);
  return changes.length === 0 ? exitCodes.done : exitCodes.outOfSync;
}

async function flagsInForce(flags: Flags): Promise<Flags> {
  if (hasOwnFlags(flags)) return flags;
  const [agent] = await findRunningAgents();
  return agent ? agent.commandLine.flags : flags;
}

const standardInput = 'standard input';

async function readNew(path: string, flags: Flags, readInput: ReadInput): Promise<ConfigReading> {
  if (path !== '-') {
    const reading = await configReaderOf({ ...flags, config: path }).read();
    if (reading.files.length > 0 || !reading.ok) return reading;
    throw new AgentError('CONFIG_ABSENT', `diff: there is no config at ${path}`);
  }
  const bytes = await readInput();
  if (Buffer.from(bytes).toString('latin1').trim() === '')
    throw new AgentError('CONFIG_ABSENT', 'diff: standard input is empty');
  const snapshot = { files: [{ path: standardInput, bytes }], problems: [], warnings: [], isUnsettled: false };
  const options = { enableIPv6: flags['enable-ipv6'], nomasqAllReservedRanges: flags['nomasq-all-reserved-ranges'] };
  return interpretSnapshot(snapshot, options, digestOf(snapshot, options));
}
