import { AgentError } from '../../errors.ts';
import type { Outcome, Runner } from '../../system/run.ts';
import { excerpt } from '../../text.ts';
import { isAbsent, nftError } from './failure.ts';
import { ActualTable, absentTable, parseListing } from './listing.ts';
import { table } from './names.ts';

/** The kernel's table, read and written through nft. Its methods throw AgentError. */
export interface KernelTable {
  /** Reads the table and nothing of others. A terse listing leaves out the elements of sets. */
  read(options: { readonly isTerse: boolean }, signal?: AbortSignal): Promise<ActualTable>;
  /** Runs one atomic transaction; none where the script is empty. A signal takes effect before it starts, never within. */
  write(script: string, signal?: AbortSignal): Promise<void>;
  /**
   * Removes every object but those of the given kinds and names, whatever it is called. nft's JSON can write names that
   * its own language can't, with spaces, quotes or line breaks in them (libnftables-json(5)).
   */
  removeAllBut(keep: ReadonlySet<string>, signal?: AbortSignal): Promise<void>;
}

const listArgs = ['list', 'table', ...table.split(' ')];

/** Where the table begins in its listing; nft may have remarks before it and beside it. */
const listingHead = new RegExp(`^table ${table} \\{`, 'm');

export function createKernelTable(runner: Runner): KernelTable {
  const change = async (args: readonly string[], input: string | undefined, signal?: AbortSignal): Promise<void> => {
    if (signal?.aborted)
      throw new AgentError('ABORTED', 'stopped before the next transaction; the rules in the kernel are whole');
    succeeded(await runner.run({ tool: 'nft', args, ...(input === undefined ? {} : { input }) }), input ?? '');
  };
  return {
    async read({ isTerse }, signal) {
      const args = [...(isTerse ? ['-t'] : []), '-s', ...listArgs];
      const outcome = await runner.run({ tool: 'nft', args, signal });
      if (isAbsent(outcome)) return absentTable;
      const { stdout } = succeeded(outcome, args.join(' '));
      if (!listingHead.test(stdout))
        throw new AgentError('TOOL_FAILED', `nft lists table ${table} in an unknown form: ${excerpt(stdout)}`);
      return new ActualTable(parseListing(stdout), { isTerse, owner: ownerIn(stdout) });
    },
    async write(script, signal) {
      if (script !== '') await change(['-f', '-'], script, signal);
    },
    async removeAllBut(keep, signal) {
      const args = ['-j', '-t', ...listArgs];
      const outcome = await runner.run({ tool: 'nft', args, signal });
      if (isAbsent(outcome)) return;
      // Hardly ever met, and with it comes what reads JSON.
      const { removalsOf, removalsPerRun, strangersIn } = await import('./strangers.ts');
      const removals = removalsOf(strangersIn(succeeded(outcome, args.join(' ')).stdout, keep));
      for (let first = 0; first < removals.length; first += removalsPerRun) {
        const nftables = removals.slice(first, first + removalsPerRun);
        // An argument, since nft opens /dev/stdin by its name for JSON, which a socket does not allow.
        await change(['-j', JSON.stringify({ nftables })], undefined, signal);
      }
    },
  };
}

function succeeded(outcome: Outcome, script: string): Outcome {
  if (outcome.exitCode !== 0) throw nftError(outcome, script);
  return outcome;
}

/** nft names the program that owns a table beside its name, and may not know it. */
function ownerIn(listing: string): string | undefined {
  if (!/^\tflags [^\n]*\bowner\b/m.test(listing)) return undefined;
  return /^table .* \{ # progname (.+)$/m.exec(listing)?.[1] ?? 'a program that nft does not name';
}
