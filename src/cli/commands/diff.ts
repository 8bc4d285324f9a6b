import type { ConfigReading } from '../../config/config.ts';
import { readConfigText } from '../../config/load.ts';
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
  // NEW first, since whoever forgot the -i of kubectl should hear of that whatever else is wrong.
  const after = judge(context, flags, await readNew(path, flags, readInput));
  const before = judge(context, flags, await configReaderOf(flags).read());
  if (!before || !after) return exitCodes.configInvalid;
  warnOfFiles(context, flags, before.files, after.files);
  const changes = diffPolicies(before.policy, after.policy);
  const isJson = context.flags.output === 'json';
  printAll(context, isJson ? diffJson(changes, before, after) : [formatDiff(changes, before, after)]);
  return changes.length === 0 ? exitCodes.done : exitCodes.outOfSync;
}

async function flagsInForce(flags: Flags): Promise<Flags> {
  if (hasOwnFlags(flags)) return flags;
  const [agent] = await findRunningAgents();
  return agent ? agent.commandLine.flags : flags;
}

async function readNew(path: string, flags: Flags, readInput: ReadInput): Promise<ConfigReading> {
  if (path !== '-') {
    const reading = await configReaderOf({ ...flags, config: path }).read();
    if (reading.files.length > 0 || !reading.ok) return reading;
    throw new AgentError('CONFIG_ABSENT', `diff: there is no config at ${path}`);
  }
  const bytes = await readInput();
  const isEmpty = Buffer.from(bytes).toString('latin1').trim() === '';
  if (isEmpty) throw new AgentError('CONFIG_ABSENT', 'diff: standard input is empty');
  const options = { enableIPv6: flags['enable-ipv6'], nomasqAllReservedRanges: flags['nomasq-all-reserved-ranges'] };
  return readConfigText('standard input', bytes, options);
}

/** One of the two configs, without what long lists need not be kept twice for; undefined where it is not valid. */
function judge(
  context: CommandContext,
  flags: Flags,
  reading: ConfigReading,
): (Compared & Pick<ConfigReading, 'files'>) | undefined {
  if (!reading.ok) {
    complainAbout(context, reading);
    return undefined;
  }
  complainOfWarnings(context, reading);
  const { masqLinkLocal, masqLinkLocalIPv6, masqOutBound, masqOutBoundIPv6 } = reading.config;
  const settings = { masqLinkLocal, masqLinkLocalIPv6, masqOutBound, masqOutBoundIPv6 };
  return { policy: policyOf(flags, reading.config), settings, files: reading.files };
}

function warnOfFiles(context: CommandContext, flags: Flags, current: readonly string[], next: readonly string[]): void {
  if (current.length === 0)
    context.complain(`warning: there is no config at ${flags.config}: NEW is compared with the defaults\n`);
  if (current.length > 1 && next.length === 1) {
    const files = current.join(', ');
    context.complain(`warning: ${next[0]} stands for all ${current.length} files of --config: ${files}\n`);
  }
}

/** Prints many small pieces in few writes. */
function printAll(context: CommandContext, pieces: Iterable<string>): void {
  let pending = '';
  for (const piece of pieces) {
    pending += piece;
    if (pending.length < 65_536) continue;
    context.print(pending);
    pending = '';
  }
  context.print(pending);
}
