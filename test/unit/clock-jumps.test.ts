import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { AgentEvent, ReportEvent } from '../../src/agent/events.ts';
import { runAgent } from '../../src/agent.ts';
import { createConfigReader } from '../../src/config/load.ts';
import { AgentError } from '../../src/errors.ts';
import { trackAgentState } from '../../src/telemetry/agent-state.ts';
import { createEventLog } from '../../src/telemetry/event-log.ts';
import { liveness, readiness } from '../../src/telemetry/health.ts';
import { startHeartbeat } from '../../src/telemetry/heartbeat.ts';
import { type FakeBackend, fakeBackend } from '../fakes/backend.ts';
import { accepted, policyKeeping } from '../fakes/config.ts';
import { type FakeLog, fakeLog } from '../fakes/log.ts';
import { namesBy } from '../fakes/names.ts';

/** What the wall clock may suddenly show: set by hand, by NTP, by a battery that is empty. */
const jumps: readonly (Date | undefined)[] = [
  undefined,
  new Date('1970-01-01T00:00:00Z'),
  new Date('2038-01-19T03:14:08Z'),
  new Date('2026-03-01T00:00:00Z'),
  new Date('2106-02-07T06:28:16Z'),
  new Date('2000-01-01T00:00:00Z'),
];

/** The events and log lines of an agent whose wall clock is set to something else every second, or is left alone. */
async function run(seconds: number, isJumping: boolean, prepare: (backend: FakeBackend) => void) {
  vi.useFakeTimers({ now: new Date('2026-01-01T00:00:00Z') });
  vi.spyOn(Math, 'random').mockReturnValue(0);
  const backend = fakeBackend();
  prepare(backend);
  const events: (readonly [atMs: number, type: AgentEvent['type']])[] = [];
  const log: FakeLog = fakeLog();
  const tracker = trackAgentState();
  tracker.subscribe(createEventLog(log));
  const report: ReportEvent = (event) => {
    events.push([Math.round(performance.now()), event.type]);
    tracker.report(event);
  };
  const subscription = { stop: () => Promise.resolve() };
  let touchConfig = (): void => undefined;
  const stop = new AbortController();
  const done = runAgent(
    {
      backend,
      readConfig: () => Promise.resolve(accepted(['10.0.0.0/8'])),
      policyOf: () => policyKeeping('10.0.0.0/8'),
      report,
      watchConfig: (onEvent) => {
        touchConfig = onEvent;
        return Promise.resolve(subscription);
      },
      onReloadSignal: () => Promise.resolve(subscription),
      findLeftovers: () => Promise.resolve({ found: [], failures: [] }),
      startNames: namesBy(() => Promise.resolve({ addresses: [] })),
      removeLeftovers: () => Promise.resolve({ found: [], failures: [] }),
      findPodRoutes: () => Promise.resolve([]),
      findForeignMasquerade: () => Promise.resolve({ found: [], failures: [], complete: true }),
    },
    stop.signal,
  );
  const stopHeartbeat = startHeartbeat(log, tracker.state);
  const ill: string[] = [];
  for (let second = 0; second < seconds; second++) {
    if (isJumping) vi.setSystemTime(jumps[second % jumps.length] ?? Date.now() - 1);
    // An event that changes nothing makes the agent look at its clock: how long is it to the next pass?
    if (second % 7 === 0) touchConfig();
    await vi.advanceTimersByTimeAsync(1_000);
    const { ok, reason } = liveness(tracker.state(), performance.now());
    if (!ok) ill.push(reason);
  }
  stop.abort();
  await vi.advanceTimersByTimeAsync(0);
  await done;
  stopHeartbeat();
  return { events, lines: log.lines.map(({ text }) => text), ill, ready: readiness(tracker.state()).ok };
}

describe('jumps of the wall clock', () => {
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  it.each<[string, (backend: FakeBackend) => void]>([
    ['resyncs', () => {}],
    [
      'retries after failures',
      ({ failures }) => {
        for (let index = 0; index < 12; index++) failures.push(new AgentError('TOOL_FAILED', 'nft: broken'));
      },
    ],
  ])('neither put off nor bring forward %s', async (_, prepare) => {
    const steady = await run(600, false, prepare);
    vi.useRealTimers();
    const jumping = await run(600, true, prepare);
    expect(steady.events.length).toBeGreaterThan(20);
    expect(jumping).toEqual(steady);
    expect(jumping.ill).toEqual([]);
  });

  it('leave one heartbeat a day', async () => {
    const { lines } = await run(3 * 86_400, true, () => {});
    expect(lines.filter((line) => line.includes('heartbeat'))).toHaveLength(3);
  });

  it('hide no change of a config, whatever the times of the file say', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'clock-'));
    const file = join(directory, 'config.yaml');
    const { read } = createConfigReader(file, { enableIPv6: false, nomasqAllReservedRanges: false, allowNames: true });
    try {
      for (const [index, time] of jumps.entries()) {
        await writeFile(file, `nonMasqueradeCIDRs: [10.${index}.0.0/16]\n`);
        await utimes(file, time ?? new Date(), time ?? new Date());
        const reading = await read();
        expect(reading.ok && reading.config.nonMasqueradeCIDRs[0]?.value.text).toBe(`10.${index}.0.0/16`);
      }
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
