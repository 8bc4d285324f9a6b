import { isDeepStrictEqual } from 'node:util';
import { AgentError } from '../../src/errors.ts';
import type { Command, Outcome, Runner } from '../../src/system/run.ts';

/** A command that a test expects, and how it ends: an outcome (exit code 0 without output by default) or an error. */
export interface ExpectedCommand {
  readonly tool: string;
  readonly args: readonly string[];
  /** Text for the standard input; not compared when absent. */
  readonly input?: string;
  readonly outcome?: Partial<Outcome> | AgentError;
}

export interface FakeRunner extends Runner {
  /** Fails unless every expected command was run. */
  assertDone(): void;
}

/** A runner that takes exactly these commands in exactly this order, and starts nothing. */
export function fakeRunner(expected: readonly ExpectedCommand[]): FakeRunner {
  const remaining = [...expected];
  return {
    async run(command) {
      if (command.signal?.aborted) throw new AgentError('ABORTED', 'the signal was aborted before the command began');
      const next = remaining.shift();
      if (!next || !matches(next, command)) throw new UnexpectedCommand(command, next);
      if (next.outcome instanceof Error) throw next.outcome;
      return { exitCode: 0, stdout: '', stderr: '', ...next.outcome };
    },
    assertDone() {
      const [next] = remaining;
      if (next) throw new Error(`never run: ${describe(next)}, and ${remaining.length - 1} after it`);
    },
  };
}

function matches(expected: ExpectedCommand, command: Command): boolean {
  return (
    expected.tool === command.tool &&
    isDeepStrictEqual(expected.args, command.args) &&
    (expected.input === undefined || expected.input === command.input)
  );
}

function describe({ tool, args, input }: Omit<ExpectedCommand, 'outcome'>): string {
  return `${[tool, ...args].join(' ')}${input === undefined ? '' : ` <<END\n${input}END`}`;
}

/** Not an AgentError, so that no code under test takes it for a failure of a tool. */
class UnexpectedCommand extends Error {
  constructor(command: Command, expected: ExpectedCommand | undefined) {
    super(`ran ${describe(command)}\nexpected ${expected ? describe(expected) : 'nothing more'}`);
  }
}
