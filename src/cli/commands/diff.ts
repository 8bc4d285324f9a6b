import type { ConfigReading } from '../../config/config.ts';
import { exitCodes } from '../../errors.ts';
import { diffPolicies } from '../../policy/diff.ts';
import { type Compared, diffJson, formatDiff } from '../../policy/format-diff.ts';
import type { CommandContext, CommandFunction } from '../command.ts';
import type { Flags } from '../flags.ts';
import { complainAbout, complainOfWarnings } from '../output.ts';
import { flagsInForce } from '../running-agents.ts';
import { leftBehind } from '../wire/left-behind.ts';
import { policyOf, readConfig, readNamedConfig } from '../wire/policy.ts';

/**
 * Says which connections would be judged otherwise if the config NEW replaced the one of --config, and which entries
 * make it so. Without flags of its own it takes those of the running agent. Exit code 4: some would. Throws
 * CONFIG_ABSENT where NEW is not there or empty.
 */
export const diff: CommandFunction = async (context) => {
  const [path = '-'] = context.operands;
  const flags = await flagsInForce(context);
  // NEW first, since whoever forgot the -i of kubectl should hear of that whatever else is wrong.
  const after = judge(context, flags, await readNamedConfig(flags, path, context.readInput));
  const before = judge(context, flags, await readConfig({ flags, readInput: context.readInput }));
  if (!before || !after) return exitCodes.configInvalid;
  warnOfFiles(context, flags, before.files, after.files);
  const changes = diffPolicies(before.policy, after.policy);
  const isJson = context.flags.output === 'json';
  const left = await leftBehind(flags, before.policy, after.policy);
  printAll(
    context,
    isJson ? diffJson(changes, before, after, left?.count) : [formatDiff(changes, before, after), left?.text ?? ''],
  );
  return changes.length === 0 ? exitCodes.done : exitCodes.outOfSync;
};

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
