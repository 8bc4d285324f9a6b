/**
 * Milliseconds on a clock that only goes forward, whatever is done to the time of day (CLOCK_MONOTONIC). The same as
 * performance.now() but for where it begins; that would load a megabyte of Node which nothing else here needs.
 */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
