import { AgentError, type ErrorCode } from '../../errors.ts';
import type { Command, Outcome } from '../../system/run.ts';

/**
 * Whether a listing failed because there is no such chain. iptables-nft says "incompatible" up to 1.8.9 for a chain
 * that is absent, and always for one that holds rules it can't read.
 */
export function isChainAbsent({ exitCode, stderr }: Outcome): boolean {
  return exitCode === 1 && (/No chain\/target\/match by that name/.test(stderr) || isIncompatible(stderr));
}

/** Whether a check failed because there is no such rule, or not even the chain that it would jump to. */
export function isRuleAbsent({ exitCode, stderr }: Outcome): boolean {
  return exitCode !== 0 && /does a matching rule exist|Chain '.*' does not exist/.test(stderr);
}

/** Whether a chain holds rules that were made with nft and that iptables has no words for. */
export function isIncompatible(stderr: string): boolean {
  return /is incompatible, use 'nft' tool/.test(stderr);
}

/** What iptables prints, in the C locale, for each kind of failure; the first pattern found in the output decides. */
const causes: readonly (readonly [RegExp, ErrorCode])[] = [
  [/xtables lock|can't open lock file/, 'XTABLES_LOCK'],
  [/Permission denied|Operation not permitted/, 'NO_PERMISSION'],
  [/Cannot allocate memory|Memory allocation problem|No buffer space|Message too long/, 'KERNEL_RESOURCE'],
  // A new rule refers to chains of its own transaction only, so what is not there is a module of the kernel.
  [/RULE_APPEND failed \(No such file/, 'KERNEL_UNSUPPORTED'],
  // A rule or chain that was there when we looked is gone, or the other way about. Legacy tools take a chain that is
  // gone for an extension that is not installed.
  [
    /does a matching rule exist|No chain\/target\/match|Chain '.*' does not exist|Couldn't load target/,
    'RULESET_RACED',
  ],
  [/Resource temporarily unavailable|File exists|No such file or directory/, 'RULESET_RACED'],
  [/insmod|kernel module|[Pp]rotocol not |Failed to initialize nft|not supported/, 'KERNEL_UNSUPPORTED'],
  [/Error occurred at line/, 'RULESET_REJECTED'],
];

/** The failed run as an error of ours. The exit codes of `iptables(8)` alone tell too little. */
export function iptablesError(command: Command, { exitCode, stderr }: Outcome): AgentError {
  const reason = reasonIn(stderr);
  const line = /line:? (\d+)/.exec(reason)?.[1];
  const rule = line ? command.input?.split('\n')[Number(line) - 1] : undefined;
  const code = causes.find(([pattern]) => pattern.test(reason))?.[1] ?? codeOfRule(rule);
  const run = [command.tool, ...command.args].join(' ');
  const where = rule ? ` (at \`${rule}\`)` : '';
  const why = rule?.startsWith('-X ') ? '; a rule of another program may still refer to the chain' : '';
  return new AgentError(code, `${run}: ${reason || `exit code ${exitCode} without a reason`}${where}${why}`);
}

/** iptables-legacy-restore gives no reason but the line where it stopped: a rule to be removed that is gone. */
function codeOfRule(rule: string | undefined): ErrorCode {
  return rule?.startsWith('-D ') ? 'RULESET_RACED' : 'TOOL_FAILED';
}

const maxReasonLines = 5;

/** The output without warnings (`# Warning: iptables-legacy tables present`) and general advice. */
function reasonIn(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim());
  const telling = lines.filter((line) => line !== '' && !/^(?:# |Try `|Perhaps )/.test(line));
  return telling.slice(0, maxReasonLines).join(' ');
}
