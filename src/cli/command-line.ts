import { AgentError } from '../errors.ts';
import { nearestName } from '../text.ts';
import { splitArguments } from './flag-grammar.ts';
import { defaultFlags, type FlagName, type Flags, flagTable, parseFlag } from './flags.ts';
import { klogFlags, levelOfVerbosity } from './klog-flags.ts';

export const commandNames = [
  'run',
  'render',
  'validate',
  'explain',
  'connections',
  'status',
  'cleanup',
  'version',
  'help',
] as const;

export type CommandName = (typeof commandNames)[number];

/** What the user asked for. */
export interface CommandLine {
  readonly command: CommandName;
  readonly flags: Flags;
  /** Things that were accepted but will not do what they say. */
  readonly warnings: readonly string[];
}

type MutableFlags = { -readonly [Name in FlagName]: Flags[Name] };

/** Reads the arguments after the program's name. Throws USAGE, which names the nearest known flag or command. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const { flags: tokens, positionals } = splitArguments(args, isBooleanFlag);
  const flags: MutableFlags = { ...defaultFlags };
  const ignored = new Set<string>();
  for (const { name, value } of tokens) {
    if (isFlagName(name)) setFlag(flags, name, value);
    else if (name === 'v') flags['log-level'] = levelOf(value);
    else if (name === 'h') flags.help = true;
    else ignored.add(`--${name}`);
  }
  const warnings =
    ignored.size > 0 ? [`flags of klog are accepted but do nothing here: ${[...ignored].join(' ')}`] : [];
  return { command: commandOf(positionals, flags), flags, warnings };
}

function isFlagName(name: string): name is FlagName {
  return Object.hasOwn(flagTable, name);
}

function isBooleanFlag(name: string): boolean {
  if (isFlagName(name)) return flagTable[name].boolean;
  if (name === 'h') return true;
  const ofKlog = Object.hasOwn(klogFlags, name) ? klogFlags[name] : undefined;
  if (ofKlog !== undefined) return ofKlog;
  const nearest = nearestName(name, [...Object.keys(flagTable), ...Object.keys(klogFlags)]);
  throw new AgentError('USAGE', `unknown flag --${name}${nearest ? `; did you mean --${nearest}?` : ''}`);
}

function setFlag<Name extends FlagName>(flags: MutableFlags, name: Name, text: string): void {
  flags[name] = parseFlag(name, flagTable[name], text);
}

function levelOf(verbosity: string): Flags['log-level'] {
  const level = levelOfVerbosity(verbosity);
  if (!level)
    throw new AgentError('USAGE', `invalid value ${JSON.stringify(verbosity)} for --v: expected a whole number`);
  return level;
}

function commandOf(positionals: readonly string[], flags: Flags): CommandName {
  const [name, ...rest] = positionals;
  if (rest.length > 0) throw new AgentError('USAGE', `unexpected argument ${JSON.stringify(rest[0])}`);
  if (flags.help) return 'help';
  if (flags.version) return 'version';
  const command = commandNames.find((known) => known === (name ?? 'run'));
  if (!command) {
    const nearest = nearestName(name ?? '', commandNames);
    throw new AgentError(
      'USAGE',
      `unknown command ${JSON.stringify(name)}${nearest ? `; did you mean ${nearest}?` : ''}`,
    );
  }
  return command === 'run' && flags.cleanup ? 'cleanup' : command;
}
