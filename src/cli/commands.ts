import { exitCodes } from '../errors.ts';
import { version } from '../version.ts';
import type { CommandFunction } from './command.ts';
import type { CommandName } from './command-line.ts';
import { helpText } from './help.ts';

/** What each command does. Each is loaded only when it is asked for. */
export const commandFunctions: Readonly<Record<CommandName, CommandFunction>> = {
  run: async (context) => (await import('./commands/run.ts')).run(context),
  render: async (context) => (await import('./commands/render.ts')).render(context),
  validate: async (context) => (await import('./commands/validate.ts')).validate(context),
  explain: async (context) => (await import('./commands/explain.ts')).explain(context),
  status: async (context) => (await import('./commands/status.ts')).status(context),
  cleanup: async (context) => (await import('./commands/cleanup.ts')).cleanup(context),
  version: print(() => `ip-masq-agent ${version}\n`),
  help: print(helpText),
};

function print(text: () => string): CommandFunction {
  return (context) => {
    context.print(text());
    return Promise.resolve(exitCodes.done);
  };
}
