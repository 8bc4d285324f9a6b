import { exitCodes } from '../errors.ts';
import { version } from '../version.ts';
import type { CommandFunction } from './command.ts';
import type { CommandName } from './command-line.ts';
import { run } from './commands/run.ts';
import { helpText } from './help.ts';

/** What each command does. An agent does not load the others. */
export const commandFunctions: Readonly<Record<CommandName, CommandFunction>> = {
  run,
  render: async (context) => (await import('./commands/one-shot.ts')).render(context),
  validate: async (context) => (await import('./commands/one-shot.ts')).validate(context),
  explain: async (context) => (await import('./commands/one-shot.ts')).explain(context),
  connections: async (context) => (await import('./commands/one-shot.ts')).connections(context),
  status: async (context) => (await import('./commands/one-shot.ts')).status(context),
  cleanup: async (context) => (await import('./commands/one-shot.ts')).cleanup(context),
  version: print(() => `ip-masq-agent ${version}\n`),
  help: print(helpText),
};

function print(text: () => string): CommandFunction {
  return (context) => {
    context.print(text());
    return Promise.resolve(exitCodes.done);
  };
}
