import type { CommandName } from './command-line.ts';
import { defaultFlags, type Flag, flagTable } from './flags.ts';

const commandHelp: Readonly<Record<CommandName, string>> = {
  run: 'keep the rules equal to the config until SIGTERM (the default); --once applies once',
  render: 'print the text that would be fed to nft, iptables-restore and ip6tables-restore',
  validate: 'check the config and print every problem and warning',
  explain: 'say what happens to a connection (--src, --dst, --proto) and which entry decides it',
  connections: 'count live connections beside the policy, and source ports in use; --rejudge deletes what differs',
  status: 'tell what is in the kernel now, in every backend, and whether it is what the config asks for',
  cleanup: 'remove everything the agent ever made, in every backend',
  version: 'print the version',
  help: 'print this help',
};

/** The text of --help, made from the tables of commands and flags. */
export function helpText(): string {
  const commands = Object.entries(commandHelp).map(([name, help]) => row(name, help));
  const flags = Object.entries(flagTable).map(([name, flag]) =>
    row(`--${name}${placeholderOf(flag)}`, `${flag.help}${defaultOf(name)}`),
  );
  return `Usage: ip-masq-agent [command] [flags]

Decides which connections leaving this node keep their source address and which are masqueraded.

Commands:
${commands.join('\n')}

Flags:
${flags.join('\n')}

Exit codes: 0 done, 1 config invalid, 2 usage, 3 backend or kernel failure, 4 out of sync.
`;
}

const columnWidth = 34;

function row(left: string, right: string): string {
  return `  ${left.padEnd(columnWidth)} ${right}`;
}

function placeholderOf({ placeholder }: Pick<Flag<unknown>, 'placeholder'>): string {
  return placeholder.includes('|') ? ' WORD' : placeholder && ` ${placeholder}`;
}

function defaultOf(name: string): string {
  const value = Object.entries(defaultFlags).find(([known]) => known === name)?.[1];
  return value === undefined || value === '' || value === false || Array.isArray(value)
    ? ''
    : ` (default ${String(value)})`;
}
