import { exitCodes } from '../errors.ts';
import { version as programVersion } from '../version.ts';
import { type CommandFunction, type CommandTable, usageOf } from './command.ts';
import { type Flag, flagTable } from './flags.ts';

/** `version`. */
export const version: CommandFunction = (context) => {
  context.print(`ip-masq-agent ${programVersion}\n`);
  return Promise.resolve(exitCodes.done);
};

/** `help`, of these commands. */
export function helpOf(commands: CommandTable): CommandFunction {
  return (context) => {
    context.print(helpText(commands));
    return Promise.resolve(exitCodes.done);
  };
}

/** The text of --help, made from the tables of commands and flags. */
function helpText(commands: CommandTable): string {
  const commandRows = Object.entries(commands).map(([name, command]) => row(usageOf(name, command), command.help));
  const flagRows = Object.entries(flagTable).map(([name, flag]) =>
    row(`--${name}${flag.placeholder && ` ${flag.placeholder}`}`, flagHelp(flag)),
  );
  return `Usage: ip-masq-agent [command] [flags]

Decides which connections leaving this node keep their source address and which are masqueraded.

Commands:
${commandRows.join('\n')}

Flags:
${flagRows.join('\n')}

klog's flags are accepted and ignored, but for --v=N; --logging-format is --log-format.

Exit codes: 0 done, 1 config invalid, 2 usage, 3 backend or kernel failure, 4 out of sync, or changed.
`;
}

const columnWidth = 34;

function row(left: string, right: string): string {
  return `  ${left.padEnd(columnWidth)} ${right}`;
}

function flagHelp(flag: Flag<unknown>): string {
  const { command, help, choices, default: value } = flag;
  const isTold = value !== undefined && value !== '' && value !== false && !Array.isArray(value);
  return [
    command && `${command}: `,
    help,
    choices.length > 0 && `: ${choices.join(', ')}`,
    isTold && ` (default ${String(value)})`,
  ]
    .filter(Boolean)
    .join('');
}
