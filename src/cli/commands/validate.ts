import { type ConfigReading, effectiveConfigJson } from '../../config/config.ts';
import { problemOf } from '../../config/problems.ts';
import { AgentError, exitCodes } from '../../errors.ts';
import type { CommandContext, CommandFunction } from '../command.ts';
import { complainAbout, complainOfWarnings, printJson } from '../output.ts';
import { configReaderOf, linted, readNamedConfig } from '../wire/policy.ts';

/**
 * Checks the config and tells every problem and every warning; with --output json, also the effective config. Throws
 * CONFIG_ABSENT where a config was named, as FILE or by --config, and is not there.
 */
export const validate: CommandFunction = async (context) => {
  if (context.flags.output === 'json') {
    const reading = linted(context.flags, await readConfig(context).catch(absentAsProblem));
    printJson(context, reportOf(reading));
    return reading.ok ? exitCodes.done : exitCodes.configInvalid;
  }
  const reading = linted(context.flags, await readConfig(context));
  if (!reading.ok) return complainAbout(context, reading);
  complainOfWarnings(context, reading);
  const files =
    reading.files.length > 0 ? reading.files.join(', ') : `no file at ${context.flags.config}, defaults apply`;
  context.print(`valid: ${files}\n`);
  return exitCodes.done;
};

/** The config that was named; where none was, the one that the agent would read, which may be absent. */
async function readConfig({ operands: [file], flags, given, readInput }: CommandContext): Promise<ConfigReading> {
  const named = file ?? (given.has('config') ? flags.config : undefined);
  return named === undefined ? await configReaderOf(flags).read() : await readNamedConfig(flags, named, readInput);
}

/** Machines get the same form of answer, whatever is wrong. */
function absentAsProblem(error: unknown): ConfigReading {
  if (!(error instanceof AgentError) || error.exitCode !== exitCodes.configInvalid) throw error;
  const problem = problemOf('', { message: error.message, expected: error.advice });
  return { ok: false, problems: [problem], warnings: [], files: [], digest: '' };
}

function reportOf(reading: ConfigReading): Readonly<Record<string, unknown>> {
  return {
    valid: reading.ok,
    files: reading.files,
    config: reading.ok ? effectiveConfigJson(reading.config) : null,
    problems: reading.ok ? [] : reading.problems,
    warnings: reading.warnings,
  };
}
