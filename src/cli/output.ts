import type { ConfigReading } from '../config/config.ts';
import { formatProblem } from '../config/problems.ts';
import { type ExitCode, errorTable, exitCodes } from '../errors.ts';
import type { CommandContext } from './command.ts';

/** Tells on stderr why a config is not accepted, all of it. */
export function complainAbout(context: CommandContext, reading: Extract<ConfigReading, { ok: false }>): ExitCode {
  for (const problem of reading.problems) context.complain(`error: ${formatProblem(problem)}\n`);
  complainOfWarnings(context, reading);
  context.complain(`${errorTable.CONFIG_INVALID.advice}\n`);
  return exitCodes.configInvalid;
}

/** Tells on stderr what is odd about a config that is accepted all the same. */
export function complainOfWarnings(context: CommandContext, { warnings }: ConfigReading): void {
  for (const warning of warnings) context.complain(`warning: ${formatProblem(warning)}\n`);
}

/** Prints plain data for machines. */
export function printJson({ print }: Pick<CommandContext, 'print'>, value: unknown): void {
  print(`${JSON.stringify(value, undefined, 2)}\n`);
}
