import { AgentError } from '../errors.ts';
import { nearestName } from '../text.ts';
import type { Arguments } from './args.ts';
import type { Command, CommandTable } from './command.ts';

/** Every command, in the order of --help. None is loaded before it is wanted. */
export const commands: CommandTable = {
  run: {
    help: 'keep the rules equal to the config until SIGTERM (the default); --once applies once',
    load: async () => (await import('./commands/run.ts')).run,
  },
  render: {
    help: 'print the text that would be fed to nft, iptables-restore and ip6tables-restore',
    load: async () => (await import('./commands/render.ts')).render,
  },
  validate: {
    help: 'check the config, or FILE (a file, a directory, or -), and print every problem and warning',
    operand: { name: 'FILE', isOptional: true },
    load: async () => (await import('./commands/validate.ts')).validate,
  },
  explain: {
    help: 'say what happens to a connection (--src, --dst, --proto) and which entry decides it',
    load: async () => (await import('./commands/explain.ts')).explain,
  },
  diff: {
    help: 'say what would be judged otherwise with the config NEW (a file, a directory, or -)',
    operand: { name: 'NEW' },
    load: async () => (await import('./commands/diff.ts')).diff,
  },
  connections: {
    help: 'put the live connections beside the policy in force, and tell how many source ports are in use',
    load: async () => (await import('./commands/connections.ts')).connections,
  },
  status: {
    help: 'tell what is in the kernel now, in every backend, and whether it is what the config asks for',
    load: async () => (await import('./commands/status.ts')).status,
  },
  cleanup: {
    help: 'remove everything the agent ever made, in every backend',
    load: async () => (await import('./commands/cleanup.ts')).cleanup,
  },
  completion: {
    help: 'print a script that completes commands and flags in that shell',
    operand: { name: 'SHELL', words: ['bash', 'zsh'] },
    load: async () => (await import('./commands/completion.ts')).completionOf(commands),
  },
  version: {
    help: 'print the version',
    load: async () => (await import('./help.ts')).version,
  },
  help: {
    help: 'print this help',
    load: async () => (await import('./help.ts')).helpOf(commands),
  },
};

/** A command with its name. */
export interface NamedCommand extends Command {
  readonly name: string;
}

/** The command that the arguments ask for. Throws USAGE where there is none of that name, or its operand is wrong. */
export function commandOf({ command: name, operands, flags }: Arguments): NamedCommand {
  const command = commandNamed(name === '' ? 'run' : name);
  if (flags.help) return commandNamed('help');
  if (flags.version) return commandNamed('version');
  checkOperands(command, operands);
  return command.name === 'run' && flags.cleanup ? commandNamed('cleanup') : command;
}

function commandNamed(name: string): NamedCommand {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command) return { name, ...command };
  const nearest = nearestName(name, Object.keys(commands));
  throw usage(`unknown command ${JSON.stringify(name)}${nearest ? `; did you mean ${nearest}?` : ''}`);
}

function checkOperands({ name, operand }: NamedCommand, [given, ...others]: readonly string[]): void {
  const [unexpected] = operand === undefined && given !== undefined ? [given] : others;
  if (unexpected !== undefined) throw usage(`unexpected argument ${JSON.stringify(unexpected)}`);
  if (!operand || (given === undefined && operand.isOptional)) return;
  const expected = operand.words?.join(' or ') ?? `${operand.name}: a file, a directory, or - for standard input`;
  const isValid = given !== undefined && (operand.words?.includes(given) ?? true);
  if (!isValid) throw usage(`${name}${given === undefined ? '' : ` ${JSON.stringify(given)}`}: expected ${expected}`);
}

function usage(message: string): AgentError {
  return new AgentError('USAGE', message);
}
