/** The first retry comes this soon, so that a lock or a race of a moment costs little. */
const firstDelayMs = 250;

/**
 * The time to wait before the next try after so many failures in a row, in milliseconds: doubled each time up to the
 * cap, of which a random half is taken off so that the agents of a fleet do not retry in step. `random` is in [0, 1).
 */
export function backoffDelayMs(failures: number, capMs: number, random: () => number = Math.random): number {
  const full = Math.min(firstDelayMs * 2 ** Math.min(failures - 1, 30), capMs);
  return full * (1 - random() / 2);
}
