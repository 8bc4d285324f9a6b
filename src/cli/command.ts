import type { ExitCode } from '../errors.ts';
import type { FlagName, Flags } from './flags.ts';

/** What a command may use of the process that it runs in. */
export interface CommandContext {
  readonly flags: Flags;
  /** The flags that stand on the command line; the others have their default. */
  readonly given: ReadonlySet<FlagName>;
  /** What stands after the command without being a flag. */
  readonly operands: readonly string[];
  /** Remarks on the command line, for the user. */
  readonly warnings: readonly string[];
  /** Writes to stdout, as it is. */
  print(text: string): void;
  /** Writes to stderr, as it is. */
  complain(text: string): void;
  /** All of standard input. Throws CONFIG_UNREADABLE where that is more than a config may have. */
  readInput(): Promise<Uint8Array>;
}

/** Does the command and says how the process should exit. Throws AgentError. */
export type CommandFunction = (context: CommandContext) => Promise<ExitCode>;

/** What may stand after the command. */
export interface Operand {
  readonly name: string;
  readonly isOptional?: boolean;
  /** The words that are valid, where there are only so many; a file or directory where there are none. */
  readonly words?: readonly string[];
}

/** An entry of the table of commands. */
export interface Command {
  readonly help: string;
  readonly operand?: Operand;
  /** The function, loaded when it is wanted. */
  readonly load: () => Promise<CommandFunction>;
}

export type CommandTable = Readonly<Record<string, Command>>;

/** `validate [FILE]`: a command as its user writes it. */
export function usageOf(name: string, { operand }: Command): string {
  if (!operand) return name;
  const word = operand.words?.join('|') ?? operand.name;
  return `${name} ${operand.isOptional ? `[${word}]` : word}`;
}
