import type { AcceptedConfig } from '../../agent/events.ts';
import { answersOf } from '../../agent/names.ts';
import type { ConfigReading } from '../../config/config.ts';
import { exitCodes } from '../../errors.ts';
import { diffPolicies } from '../../policy/diff.ts';
import { type Compared, diffJson, formatDiff } from '../../policy/format-diff.ts';
import type { Answers } from '../../policy/node-facts.ts';
import { collectGarbage } from '../../system/idle-memory.ts';
import type { CommandContext, CommandFunction } from '../command.ts';
import type { Flags } from '../flags.ts';
import { complainAbout, complainOfWarnings } from '../output.ts';
import { flagsInForce } from '../running-agents.ts';
import { leftBehind } from '../wire/left-behind.ts';
import { resolveOnce } from '../wire/names.ts';
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
  const next = accept(context, await readNamedConfig(flags, path, context.readInput));
  const current = accept(context, await readConfig({ flags, readInput: context.readInput }));
  if (!current || !next) return exitCodes.configInvalid;
  const answers = await resolveOnce(flags, [current.config, next.config]);
  for (const { name, failure } of answers.filter(({ isAnswered }) => !isAnswered)) {
    context.complain(`warning: ${name} can't be resolved, and stands for nothing on both sides: ${failure}\n`);
  }
  const before = judge(flags, current, answersOf(answers));
  const after = judge(flags, next, answersOf(answers));
  warnOfFiles(context, flags, before.files, after.files);
  // What 100,000 CIDRs were read from takes as much as comparing them.
  collectGarbage();
  const changes = diffPolicies(before.policy, after.policy);
  const isJson = context.flags.output === 'json';
  const left = await leftBehind(flags, before.policy, after.policy);
  printAll(
    context,
    isJson ? diffJson(changes, before, after, left?.count) : [formatDiff(changes, before, after), left?.text ?? ''],
  );
  return changes.length === 0 ? exitCodes.done : exitCodes.outOfSync;
};

/** A config that is valid; undefined where it is not. */
function accept(context: CommandContext, reading: ConfigReading): AcceptedConfig | undefined {
  if (!reading.ok) {
    complainAbout(context, reading);
    return undefined;
  }
  complainOfWarnings(context, reading);
  return reading;
}

/** One of the two configs, without what long lists need not be kept twice for. */
function judge(flags: Flags, reading: AcceptedConfig, answers: Answers): Compared & Pick<ConfigReading, 'files'> {
  const { masqLinkLocal, masqLinkLocalIPv6, masqOutBound, masqOutBoundIPv6 } = reading.config;
  const settings = { masqLinkLocal, masqLinkLocalIPv6, masqOutBound, masqOutBoundIPv6 };
  return { policy: policyOf(flags, reading, answers), settings, files: reading.files };
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
