import { exitCodes } from '../errors.ts';
import { version } from '../version.ts';
import type { CommandFunction } from './command.ts';
import type { CommandName } from './command-line.ts';
import { cleanup } from './commands/cleanup.ts';
import { explain } from './commands/explain.ts';
import { render } from './commands/render.ts';
import { run } from './commands/run.ts';
import { status } from './commands/status.ts';
import { validate } from './commands/validate.ts';
import { helpText } from './help.ts';

/** What each command does. */
export const commandFunctions: Readonly<Record<CommandName, CommandFunction>> = {
  run,
  render,
  validate,
  explain,
  status,
  cleanup,
  version: print(() => `ip-masq-agent ${version}\n`),
  help: print(helpText),
};

function print(text: () => string): CommandFunction {
  return (context) => {
    context.print(text());
    return Promise.resolve(exitCodes.done);
  };
}
