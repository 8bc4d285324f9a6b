import type { ConfigReading } from '../../config/config.ts';
import { effectiveConfigJson } from '../../config/config.ts';
import { exitCodes } from '../../errors.ts';
import type { CommandFunction } from '../command.ts';
import { configReaderOf, linted } from '../policy-source.ts';
import { complainAbout, complainOfWarnings } from '../problems.ts';

/** Checks the config and tells every problem and every warning; with --output json, also the effective config. */
export const validate: CommandFunction = async (context) => {
  const reading = linted(context.flags, await configReaderOf(context.flags).read());
  if (context.flags.output === 'json') {
    context.print(`${JSON.stringify(reportOf(reading), undefined, 2)}\n`);
    return reading.ok ? exitCodes.done : exitCodes.configInvalid;
  }
  if (!reading.ok) return complainAbout(context, reading);
  complainOfWarnings(context, reading);
  const files =
    reading.files.length > 0 ? reading.files.join(', ') : `no file at ${context.flags.config}, defaults apply`;
  context.print(`valid: ${files}\n`);
  return exitCodes.done;
};

function reportOf(reading: ConfigReading): Readonly<Record<string, unknown>> {
  return {
    valid: reading.ok,
    files: reading.files,
    config: reading.ok ? effectiveConfigJson(reading.config) : null,
    problems: reading.ok ? [] : reading.problems,
    warnings: reading.warnings,
  };
}
