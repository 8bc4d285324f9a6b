import { basename } from 'node:path';
import { parseArguments } from './cli/args.ts';
import { commandOf } from './cli/commands.ts';
import { readStandardInput } from './cli/standard-input.ts';
import { asAgentError } from './errors.ts';
import { goFirstWithoutMemory, nameThisProcess } from './system/processes.ts';

/** Parses the command line, runs the command, and turns whatever comes of it into an exit code. */
async function main(args: readonly string[]): Promise<number> {
  const print = (text: string): void => void process.stdout.write(text);
  const complain = (text: string): void => void process.stderr.write(text);
  nameThisProcess('ip-masq-agent');
  try {
    const line = parseArguments(args, programName());
    const { name, load } = commandOf(line);
    // A `cleanup --stay` is the agent's stand-in in its own Pod.
    if (name !== 'run' && name !== 'cleanup') goFirstWithoutMemory();
    const command = await load();
    return await command({ ...line, print, complain, readInput: readStandardInput });
  } catch (cause) {
    const error = asAgentError(cause);
    complain(`ip-masq-agent: ${error.message}\n${error.advice}\n`);
    return error.exitCode;
  }
}

/** What the program was called: the script that Node runs, or the executable that Node is a part of. */
function programName(): string {
  const [executable, script = ''] = process.argv;
  return basename(script === executable ? process.argv0 : script);
}

// Whoever reads the output may have seen enough, as in `render | head`; and rules matter more than a log that nobody reads.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

// Unless somebody listens, Node answers this signal by letting every user of the machine run code in this process, through
// a debugger on port 9229. Until this line is reached, --disable-sigusr1 keeps it from that.
process.on('SIGUSR1', () => undefined);

// Not process.exit(): what was written to a pipe must still get out.
void main(process.argv.slice(2)).then((exitCode) => {
  process.exitCode = exitCode;
});
