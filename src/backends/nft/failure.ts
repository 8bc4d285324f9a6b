import { AgentError, type ErrorCode } from '../../errors.ts';
import type { Outcome } from '../../system/run.ts';

/** `/dev/stdin:LINE:COLUMN-COLUMN: Error: MESSAGE`, the form of libnftables' erec_print(). */
const locatedError = /^[^:\n]+:(\d+):\d+-\d+: Error: (.*)$/m;

/** strerror(ENOENT): an object is not there, or a part of the kernel. */
const notFound = 'No such file or directory';

/**
 * What the kernel says of a transaction (strerror texts, in English because tools run in the C locale), and what it
 * means. The first that the output contains counts.
 */
const meanings: readonly (readonly [text: string, code: ErrorCode])[] = [
  ['Operation not permitted', 'NO_PERMISSION'],
  ['you must be root', 'NO_PERMISSION'],
  ['Cannot allocate memory', 'KERNEL_RESOURCE'],
  // nft itself ran out of it.
  ['Memory allocation failure', 'KERNEL_RESOURCE'],
  ['No buffer space available', 'KERNEL_RESOURCE'],
  ['Message too long', 'KERNEL_RESOURCE'],
  ['Too many open files', 'KERNEL_RESOURCE'],
  ['No space left on device', 'KERNEL_RESOURCE'],
  ['syntax error', 'RULESET_REJECTED'],
  ['conflicting intervals', 'RULESET_REJECTED'],
  ['Operation not supported', 'KERNEL_UNSUPPORTED'],
  ['Protocol not supported', 'KERNEL_UNSUPPORTED'],
  ['Unable to initialize Netlink', 'KERNEL_UNSUPPORTED'],
  [notFound, 'RULESET_RACED'],
  ['File exists', 'RULESET_RACED'],
  ['Device or resource busy', 'RULESET_RACED'],
  ['Interrupted system call', 'RULESET_RACED'],
  // As the shell says it where nft is a script that runs the real one.
  ['Segmentation fault', 'TOOL_CRASHED'],
];

/** The error for a run of nft that failed. Names the line of the script that nft complains about. */
export function nftError(outcome: Outcome, script: string): AgentError {
  const output = outcome.stderr.trim();
  const located = locatedError.exec(output);
  const line = Number(located?.[1] ?? 0);
  const culprit = script.split('\n')[line - 1]?.trim();
  const where = culprit ? ` (line ${line}: ${culprit})` : '';
  const what = located?.[2] ?? (output.split('\n')[0] || `exit code ${outcome.exitCode} without a message`);
  if (located?.[2]?.includes(notFound) && culprit && refersOnlyToItself(culprit, script)) {
    return new AgentError('KERNEL_MODULE_MISSING', `nft: ${what}${where}; ${missingModule(culprit)}`);
  }
  const code = meanings.find(([text]) => output.includes(text))?.[1] ?? 'TOOL_FAILED';
  return new AgentError(code, `nft: ${what}${where}`);
}

/** Whether nft failed only because the table is not there. */
export function isAbsent(outcome: Outcome): boolean {
  return outcome.exitCode !== 0 && outcome.stderr.includes(notFound);
}

/** Whether all that a line of a script needs is made by the same transaction, so that nobody can have removed it. */
function refersOnlyToItself(line: string, script: string): boolean {
  if (/^(?:delete|flush) /.test(line)) return false;
  const references = [...line.matchAll(/(?:\bjump |\bgoto |@|\bcounter name ")([\w-]+)/g)];
  return references.every(([, name = '']) => script.includes(` ${name} {\n`));
}

/** Parts of a rule, and the modules (of Linux 5.2 to 6.18) that know them. */
const modules: readonly (readonly [part: string, module: string])[] = [
  ['fib ', 'nft_fib_inet'],
  ['numgen ', 'nft_numgen'],
  ['masquerade', 'nft_masq'],
  ['type nat hook', 'nft_chain_nat'],
];

function missingModule(line: string): string {
  const module = modules.find(([part]) => line.includes(part))?.[1];
  return module === undefined ? 'the kernel lacks a module for it' : `the kernel lacks the module ${module}`;
}
