/** Milliseconds on a clock that only goes forward, whatever is done to the time of day (CLOCK_MONOTONIC). */
export function monotonicMs(): number {
  return performance.now();
}
