import { AgentError, codeOf } from '../../errors.ts';
import { type DesiredChains, jumpRule, quotedJumpRule } from './desired.ts';
import { differences, type NatState, ownJumps } from './diff.ts';
import type { NatTable } from './nat-table.ts';
import { emptyState, renderRestore } from './render.ts';

/** Times to read and write before giving up. One write is enough unless others change the table at the same moment. */
const maxWrites = 3;

/** Reads the jumps to a chain, and those of `chains` that are there. Throws AgentError. */
export async function readState(
  table: NatTable,
  chain: string,
  chains: readonly string[],
  signal?: AbortSignal,
): Promise<NatState> {
  if (!(await table.exists())) return emptyState;
  const forms = [jumpRule(chain), quotedJumpRule(chain)];
  const jumps = ownJumps(await table.postroutingRules(forms, signal), chain);
  const found = new Map<string, readonly string[]>();
  for (const name of chains) {
    const rules = await table.chainRules(name, signal);
    if (rules) found.set(name, rules);
  }
  return { jumps, chains: found };
}

/**
 * Brings one family to the desired, in one transaction, and reads it back. Writes nothing where the kernel holds it
 * already. Throws AgentError, READ_BACK_MISMATCH where another program keeps undoing it.
 */
export async function converge(
  table: NatTable,
  desired: DesiredChains,
  chain: string,
  signal?: AbortSignal,
): Promise<void> {
  const chains = [...desired.chains.map(({ name }) => name), ...desired.unusedChains];
  for (let writes = 0; ; writes++) {
    const state = await readState(table, chain, chains, signal);
    const unused = desired.unusedChains.filter((name) => state.chains.has(name));
    const wrong = [...differences(desired, state), ...unused.map((name) => `chain ${name} should be gone`)];
    if (wrong.length === 0) return;
    if (writes === maxWrites) {
      const message = `the nat table does not hold what was just written: ${wrong.join('; ')}`;
      throw new AgentError('READ_BACK_MISMATCH', message);
    }
    await restoreUnlessRaced(table, renderRestore(desired, state), writes + 1 < maxWrites, signal);
  }
}

/** A transaction made from a reading that is no longer true fails as a whole; the next reading makes a better one. */
async function restoreUnlessRaced(
  table: NatTable,
  text: string,
  mayRetry: boolean,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await table.restore(text, signal);
  } catch (error) {
    if (!mayRetry || codeOf(error) !== 'RULESET_RACED') throw error;
  }
}
