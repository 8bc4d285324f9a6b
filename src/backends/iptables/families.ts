import { AgentError, asAgentError, codeOf } from '../../errors.ts';
import type { Family } from '../../net/family.ts';
import type { NatTable } from './nat-table.ts';

/** What became of one family. */
export type FamilyResult<T> =
  | { readonly family: Family; readonly value: T }
  | { readonly family: Family; readonly error: AgentError };

/**
 * Does the same for each family, one after the other: a failure of one does not keep the other from its turn. Only the
 * order to stop ends both.
 */
export async function eachFamily<T>(
  tables: readonly NatTable[],
  task: (table: NatTable) => Promise<T>,
): Promise<readonly FamilyResult<T>[]> {
  const results: FamilyResult<T>[] = [];
  for (const table of tables) {
    const { family } = table;
    try {
      results.push({ family, value: await task(table) });
    } catch (error) {
      if (codeOf(error) === 'ABORTED') throw error;
      results.push({ family, error: asAgentError(error) });
    }
  }
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

/** For families that are not wanted: a host without the tools, or a kernel without the family, has nothing to remove. */
export async function unlessUnsupported<T>(task: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await task;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'TOOL_MISSING' || code === 'KERNEL_UNSUPPORTED') return otherwise;
    throw error;
  }
}
