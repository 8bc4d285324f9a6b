import type { Problem } from './config.ts';

/** `file:line:column: message, found …; expected …`: one line for logs, terminals and editors. */
export function formatProblem(problem: Problem): string {
  const { position, file } = problem;
  const place = position === undefined ? file : `${position.file}:${position.line}:${position.column}`;
  const found = problem.found === undefined ? '' : `: ${problem.found}`;
  const expected = problem.expected === undefined ? '' : ` (expected ${problem.expected})`;
  return `${place}: ${problem.message}${found}${expected}`;
}
