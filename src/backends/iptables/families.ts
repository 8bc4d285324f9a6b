import { AgentError } from '../../errors.ts';
import type { Family } from '../../net/family.ts';
import { type Attempt, attempt } from '../attempt.ts';
import type { NatTable } from './nat-table.ts';

/** What became of one family. */
export type FamilyResult<T> = { readonly family: Family } & Attempt<T>;

/**
 * Does the same for each family, one after the other: a failure of one does not keep the other from its turn. Throws
 * AgentError ABORTED only.
 */
export async function eachFamily<T>(
  tables: readonly NatTable[],
  task: (table: NatTable) => Promise<T>,
): Promise<readonly FamilyResult<T>[]> {
  const results: FamilyResult<T>[] = [];
  for (const table of tables) results.push({ family: table.family, ...(await attempt(() => task(table))) });
  return results;
}

/** The values of all families. Throws one AgentError that tells every failure. */
export function valuesOf<T>(results: readonly FamilyResult<T>[]): readonly T[] {
  const failed = results.filter((result) => 'error' in result);
  const [first] = failed;
  if (first) {
    const message = failed.map(({ family, error }) => `${family}: ${error.message}`).join('; ');
    throw new AgentError(first.error.code, message, { cause: failed.length > 1 ? failed : first.error });
  }
  return results.flatMap((result) => ('value' in result ? [result.value] : []));
}
