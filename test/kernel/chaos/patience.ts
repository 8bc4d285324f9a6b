import { setTimeout as sleep } from 'node:timers/promises';

/** Far more than the agent needs: a tool that hangs, a lock that is waited for, a retry, on a busy machine. */
export const patienceMs = 40_000;

/** What becomes of the promise, if it becomes anything in time. */
export async function patiently<T>(what: string, promise: Promise<T>): Promise<T> {
  const timer = new AbortController();
  const late = sleep(patienceMs, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`${what} took more than ${patienceMs} ms`);
  });
  return Promise.race([promise, late]).finally(() => timer.abort());
}
