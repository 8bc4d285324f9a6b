import { AgentError } from '../errors.ts';
import { nearestName } from '../text.ts';
import {
  allFlagNames,
  defaultFlags,
  type FlagName,
  type Flags,
  flagNamed,
  flagTable,
  klogFlags,
  levelOfVerbosity,
  withFlag,
} from './flags.ts';

/** What stands on the command line, before anybody asks whether there is such a command. */
export interface Arguments {
  /** Empty for the agent itself. */
  readonly command: string;
  /** What stands after the command without being a flag. */
  readonly operands: readonly string[];
  readonly flags: Flags;
  /** The flags that were given, in whatever spelling. */
  readonly given: ReadonlySet<FlagName>;
  /** Things that were accepted but will not do what they say. */
  readonly warnings: readonly string[];
}

/**
 * Reads the arguments after the program's name as Go's `flag` package does: one or two dashes, `-f=v` or `-f v`; booleans
 * never take the next argument; the last of several counts; `--` ends the flags. Other than there, flags may follow a
 * word that is none. Underscores in names count as dashes, as in Kubernetes' programs. `program` is what the program is
 * called. Throws USAGE, which names the nearest known flag.
 */
export function parseArguments(args: readonly string[], program?: string): Arguments {
  const words: string[] = [];
  const given = new Set<FlagName>();
  const ignored = new Set<string>();
  let flags = defaultFlags(program);
  const rest = [...args];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    if (argument === '--') {
      words.push(...rest);
      break;
    }
    const { name, value } = splitFlag(argument);
    if (name === undefined) {
      words.push(argument);
      continue;
    }
    const implied = isBoolean(name) ? () => 'true' : () => nextOf(rest, name);
    const text = value ?? implied();
    const known = flagNamed(name);
    if (known) {
      flags = withFlag(flags, known, text);
      given.add(known);
    } else if (name === 'v') {
      flags = { ...flags, 'log-level': levelOfVerbosity(text) };
      given.add('log-level');
    } else {
      ignored.add(`--${name}`);
    }
  }
  const [command = '', ...operands] = words;
  const warnings =
    ignored.size > 0 ? [`flags of klog are accepted but do nothing here: ${[...ignored].join(' ')}`] : [];
  return { command, operands, flags, given, warnings };
}

/** The name and, after a `=`, the value of what is a flag. */
function splitFlag(argument: string): { name?: string; value?: string | undefined } {
  if (!argument.startsWith('-') || argument === '-') return {};
  const groups = /^--?(?<name>[^-=][^=]*)(?:=(?<value>[\s\S]*))?$/.exec(argument)?.groups;
  if (!groups?.['name']) throw new AgentError('USAGE', `bad flag syntax: ${argument}`);
  return { name: groups['name'].replaceAll('_', '-'), value: groups['value'] };
}

/** Whether a flag takes no argument. Throws USAGE where it is not known. */
function isBoolean(name: string): boolean {
  const known = flagNamed(name);
  if (known) return flagTable[known].isBoolean;
  const ofKlog = Object.hasOwn(klogFlags, name) ? klogFlags[name] : undefined;
  if (ofKlog !== undefined) return ofKlog;
  const nearest = nearestName(name, allFlagNames);
  throw new AgentError('USAGE', `unknown flag --${name}${nearest ? `; did you mean --${nearest}?` : ''}`);
}

function nextOf(rest: string[], flag: string): string {
  const value = rest.shift();
  if (value === undefined) throw new AgentError('USAGE', `flag needs an argument: --${flag}`);
  return value;
}
