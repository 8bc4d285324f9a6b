import type { ReconcileResult } from './reconcile.ts';

/** The first retry comes this soon, so that a lock or a race of a moment costs little. */
const firstDelayMs = 250;

/** When to reconcile next unless something happens before, and why. */
export interface Schedule {
  readonly inMs: number;
  readonly trigger: 'resync' | 'retry';
}

interface Failed {
  readonly type: 'failed';
  /** In a row. */
  readonly failures: number;
}

/**
 * When to reconcile after a result: a retry after a failure, sooner than the resync that follows everything else. A
 * config event that changed nothing leaves the schedule as it is (undefined): however many there are, they must not put
 * off the resync. Pure but for the random part of a retry.
 */
export function schedule(result: Failed, resyncIntervalMs: number): Schedule;
export function schedule(result: Pick<ReconcileResult, 'type'>, resyncIntervalMs: number): Schedule | undefined;
export function schedule(
  result: Pick<ReconcileResult, 'type'> | Failed,
  resyncIntervalMs: number,
): Schedule | undefined {
  if (result.type === 'unchanged') return undefined;
  if (!('failures' in result)) return { inMs: resyncIntervalMs, trigger: 'resync' };
  return { inMs: backoffDelayMs(result.failures, resyncIntervalMs), trigger: 'retry' };
}

/**
 * The time to wait before the next try after so many failures in a row, in milliseconds: doubled each time up to the
 * cap, of which a random half is taken off so that the agents of a fleet do not retry in step. `random` is in [0, 1).
 */
export function backoffDelayMs(failures: number, capMs: number, random: () => number = Math.random): number {
  const full = Math.min(firstDelayMs * 2 ** Math.min(failures - 1, 30), capMs);
  return full * (1 - random() / 2);
}
