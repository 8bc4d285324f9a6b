import type { Transaction } from '../../backends/backend.ts';
import { namesIn } from '../../config/config.ts';
import { exitCodes } from '../../errors.ts';
import type { CommandFunction } from '../command.ts';
import { complainAbout, complainOfWarnings } from '../output.ts';
import { namedBackend } from '../wire/backend.ts';
import { policyOf, readConfig } from '../wire/policy.ts';

/** Prints what would be fed to the tools on a host without our rules, one transaction after the other. */
export const render: CommandFunction = async (context) => {
  const reading = await readConfig(context);
  if (!reading.ok) return complainAbout(context, reading);
  complainOfWarnings(context, reading);
  const names = namesIn(reading.config);
  if (names.length > 0) {
    context.complain(`warning: names are not resolved here, and no rule is made of them: ${names.join(', ')}\n`);
  }
  const transactions = namedBackend(context.flags).render(policyOf(context.flags, reading));
  context.print(transactions.map(printable).join('\n'));
  return exitCodes.done;
};

function printable({ purpose, command, text }: Transaction, index: number): string {
  return `# Transaction ${index + 1}, ${command.join(' ')}: ${purpose}\n${text}`;
}
