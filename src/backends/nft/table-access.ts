import { AgentError } from '../../errors.ts';
import type { Outcome, Runner } from '../../system/run.ts';
import { isAbsent, nftError } from './failure.ts';
import type { Finding } from './installation.ts';
import { parseListing } from './listing.ts';
import { table } from './names.ts';

/** What look() finds where there is no table. */
export const absent: Finding = { listing: new Map(), isTerse: false };

/** What the table holds. A terse listing leaves out the elements of sets. */
export async function look(runner: Runner, { isTerse }: { isTerse: boolean }, signal?: AbortSignal): Promise<Finding> {
  const args = [...(isTerse ? ['-t'] : []), '-s', 'list', 'table', ...table.split(' ')];
  const outcome = await runner.run({ tool: 'nft', args, signal });
  if (isAbsent(outcome)) return absent;
  return { listing: parseListing(succeeded(outcome, args.join(' ')).stdout), isTerse };
}

/** One atomic transaction. It is never cut short: a signal to stop takes effect before it starts. */
export async function write(runner: Runner, script: string, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted)
    throw new AgentError('ABORTED', 'stopped before the next transaction; the rules in the kernel are whole');
  succeeded(await runner.run({ tool: 'nft', args: ['-f', '-'], input: script }), script);
}

function succeeded(outcome: Outcome, script: string): Outcome {
  if (outcome.exitCode !== 0) throw nftError(outcome, script);
  return outcome;
}
