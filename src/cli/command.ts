import type { ExitCode } from '../errors.ts';
import type { Flags } from './flags.ts';

/** What a command may use of the process that it runs in. */
export interface CommandContext {
  readonly flags: Flags;
  /** What stands after the command without being a flag. */
  readonly operands: readonly string[];
  /** Remarks on the command line, for the user. */
  readonly warnings: readonly string[];
  /** Writes to stdout, as it is. */
  print(text: string): void;
  /** Writes to stderr, as it is. */
  complain(text: string): void;
}

/** Does the command and says how the process should exit. Throws AgentError. */
export type CommandFunction = (context: CommandContext) => Promise<ExitCode>;
