import { type AgentError, asAgentError, codeOf } from '../errors.ts';

/** What a search in several places came to. */
export interface AttemptResults<T> {
  readonly found: readonly T[];
  /** Why some places could not be searched. */
  readonly failures: readonly AgentError[];
}

/**
 * Searches one place after the other; one that can't be searched does not end the search. A place without its tool or
 * the kernel's support has nothing in it. Throws AgentError ABORTED only.
 */
export async function searchEverywhere<T>(
  searches: readonly (() => Promise<readonly T[]>)[],
): Promise<AttemptResults<T>> {
  const found: T[] = [];
  const failures: AgentError[] = [];
  for (const search of searches) {
    try {
      found.push(...(await search()));
    } catch (error) {
      const code = codeOf(error);
      if (code === 'ABORTED') throw error;
      if (code !== 'TOOL_MISSING' && code !== 'KERNEL_UNSUPPORTED') failures.push(asAgentError(error));
    }
  }
  return { found, failures };
}
