import { AgentError } from '../errors.ts';

/** One flag as written, before anybody knows its meaning. */
export interface FlagToken {
  readonly name: string;
  readonly value: string;
}

export interface ParsedArguments {
  readonly flags: readonly FlagToken[];
  readonly positionals: readonly string[];
}

/**
 * Splits arguments as Go's `flag` package does: one or two dashes, `-f=v` or `-f v`; booleans never take the next
 * argument; `--` ends the flags. Other than there, flags may follow a positional, since ours is the command.
 * Underscores in names count as dashes, as in Kubernetes' programs.
 *
 * `isBoolean` tells for a known flag whether it is boolean; it throws USAGE for one that is unknown.
 */
export function splitArguments(args: readonly string[], isBoolean: (name: string) => boolean): ParsedArguments {
  const flags: FlagToken[] = [];
  const positionals: string[] = [];
  const rest = [...args];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    if (argument === '--') return { flags, positionals: [...positionals, ...rest] };
    const { name, value } = readFlag(argument);
    if (name === undefined) {
      positionals.push(argument);
    } else {
      const implied = isBoolean(name) ? () => 'true' : () => nextArgument(name, rest);
      flags.push({ name, value: value ?? implied() });
    }
  }
  return { flags, positionals };
}

function readFlag(argument: string): { name?: string; value?: string | undefined } {
  if (!argument.startsWith('-') || argument === '-') return {};
  const groups = /^--?(?<name>[^-=][^=]*)(?:=(?<value>[\s\S]*))?$/.exec(argument)?.groups;
  if (!groups?.['name']) throw new AgentError('USAGE', `bad flag syntax: ${argument}`);
  return { name: groups['name'].replaceAll('_', '-'), value: groups['value'] };
}

function nextArgument(flag: string, rest: string[]): string {
  const value = rest.shift();
  if (value === undefined) throw new AgentError('USAGE', `flag needs an argument: --${flag}`);
  return value;
}

const booleanWords: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries(['1', 't', 'T', 'true', 'TRUE', 'True'].map((word) => [word, true])),
  ...Object.fromEntries(['0', 'f', 'F', 'false', 'FALSE', 'False'].map((word) => [word, false])),
};

/** Go's strconv.ParseBool. Undefined where the text is none of its words. */
export function parseGoBoolean(text: string): boolean | undefined {
  return Object.hasOwn(booleanWords, text) ? booleanWords[text] : undefined;
}
