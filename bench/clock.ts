/** Milliseconds on the kernel's monotonic clock, which all processes of a machine share. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

const origin = monotonicMs() - performance.now();

/** A moment of this process's performance.now() on the shared clock. */
export function shared(ofThisProcess: number): number {
  return ofThisProcess + origin;
}
