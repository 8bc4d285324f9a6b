import { parseCommandLine } from './cli/command-line.ts';
import { commandFunctions } from './cli/commands.ts';
import { asAgentError } from './errors.ts';
import { nameThisProcess } from './system/processes.ts';

/** Parses the command line, runs the command, and turns whatever comes of it into an exit code. */
async function main(args: readonly string[]): Promise<number> {
  const complain = (text: string): void => void process.stderr.write(text);
  nameThisProcess('ip-masq-agent');
  try {
    const { command, flags, warnings } = parseCommandLine(args);
    const print = (text: string): void => void process.stdout.write(text);
    return await commandFunctions[command]({ flags, warnings, print, complain });
  } catch (cause) {
    const error = asAgentError(cause);
    complain(`ip-masq-agent: ${error.message}\n${error.advice}\n`);
    return error.exitCode;
  }
}

// Whoever reads the output may have seen enough, as in `render | head`; and rules matter more than a log that nobody reads.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

// Not process.exit(): what was written to a pipe must still get out.
void main(process.argv.slice(2)).then((exitCode) => {
  process.exitCode = exitCode;
});
