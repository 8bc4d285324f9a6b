import { type AgentError, asAgentError, codeOf } from '../errors.ts';

/** What became of one of several attempts. */
export type Attempt<T> = { readonly value: T } | { readonly error: AgentError };

/** Tries, so that a failure does not keep others from their turn. Throws AgentError ABORTED only: it ends them all. */
export async function attempt<T>(task: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await task() };
  } catch (error) {
    if (codeOf(error) === 'ABORTED') throw error;
    return { error: asAgentError(error) };
  }
}

/** Whether an attempt failed for want of a tool or of the kernel's half: there can be no rules of that kind then. */
export function isUnsupported({ code }: AgentError): boolean {
  return code === 'TOOL_MISSING' || code === 'KERNEL_UNSUPPORTED';
}

/** The result, or `otherwise` where the host has no such rules at all. Throws AgentError. */
export async function unlessUnsupported<T>(task: Promise<T>, otherwise: T): Promise<T> {
  const result = await attempt(() => task);
  if ('value' in result) return result.value;
  if (isUnsupported(result.error)) return otherwise;
  throw result.error;
}

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
    const result = await attempt(search);
    if ('value' in result) found.push(...result.value);
    else if (!isUnsupported(result.error)) failures.push(result.error);
  }
  return { found, failures };
}
