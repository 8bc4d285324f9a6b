import * as fc from 'fast-check';

/** `FUZZ_SECONDS=…` for each campaign; `FUZZ_SEED=… FUZZ_PATH=…`, as a failure prints them, to see it again. */
const seconds = Number(process.env['FUZZ_SECONDS'] ?? 1);
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);
const path = process.env['FUZZ_PATH'];

/** For vitest: a case that hangs ends the test. Finding the smallest failing case takes time too. */
export const campaignTimeoutMs = seconds * 1_000 + 60_000;

/** Tries cases until the time is over; a failure is told with the smallest case that shows it. Prints what was done. */
export async function campaign<Case>(
  name: string,
  cases: fc.Arbitrary<Case>,
  check: (one: Case) => void | Promise<void>,
): Promise<void> {
  let count = 0;
  let slowestMs = 0;
  const property = fc.asyncProperty(cases, async (one) => {
    const startedAt = performance.now();
    await check(one);
    slowestMs = Math.max(slowestMs, performance.now() - startedAt);
    count++;
  });
  const startedAt = performance.now();
  await fc.assert(property, {
    seed,
    ...(path === undefined ? {} : { path }),
    numRuns: Number.MAX_SAFE_INTEGER,
    interruptAfterTimeLimit: seconds * 1_000,
  });
  const perSecond = Math.round((count * 1_000) / (performance.now() - startedAt));
  process.stdout.write(
    `${name}: ${count} cases, ${perSecond} a second, slowest ${slowestMs.toFixed(1)} ms (FUZZ_SEED=${seed})\n`,
  );
}
