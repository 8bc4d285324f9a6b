import { describe, expect, it } from 'vitest';
import type { NameAnswer } from '../../../src/names/name-watch.ts';
import { parseAddress } from '../../../src/net/address.ts';
import { askForNames, namesReportOf } from '../../../src/telemetry/agent-names.ts';
import { initialState, nextState, trackAgentState } from '../../../src/telemetry/agent-state.ts';
import { createEventLog } from '../../../src/telemetry/event-log.ts';
import { readiness } from '../../../src/telemetry/health.ts';
import { json, startHttpServer, text } from '../../../src/telemetry/http-server.ts';
import { createMetrics } from '../../../src/telemetry/metrics.ts';
import { policyKeeping } from '../../fakes/config.ts';
import { aSampleOfConnections } from '../../fakes/connection-sample.ts';
import { fakeLog } from '../../fakes/log.ts';

const now = { wallClock: 0, monotonic: 0 };

function answer(name: string, texts: readonly string[], more: Partial<NameAnswer> = {}): NameAnswer {
  const addresses = texts.map(parseAddress).filter((address) => address !== undefined);
  return { name, addresses, isAnswered: true, failure: undefined, ...more };
}

const resolved = answer('a.example.com', ['192.0.2.1', '2001:db8::1']);
const idle = answer('b.example.com', []);
const down = answer('c.example.com', [], { isAnswered: false, failure: 'ETIMEOUT' });
const stale = answer('a.example.com', ['192.0.2.1'], { failure: 'ETIMEOUT' });
const pending = answer('d.example.com', [], { isAnswered: false });

describe('the log of names', () => {
  it('tells each trouble once, and its end', () => {
    const log = fakeLog();
    const tracker = trackAgentState();
    tracker.subscribe(createEventLog(log));
    const tell = (...answers: NameAnswer[]) => tracker.report({ type: 'names', answers });
    tell(resolved, idle, down, pending);
    tell(resolved, idle, down, pending);
    tell(stale, idle);
    tell(resolved, idle);
    expect(log.visible()).toEqual([
      'warn names stand for nothing, and their entries change nothing',
      'info names resolved',
      'warn DNS does not answer; names keep their last addresses',
      'info names resolved',
    ]);
  });

  it('tells once that names are awaited', () => {
    const log = fakeLog();
    const tracker = trackAgentState();
    tracker.subscribe(createEventLog(log));
    for (let time = 0; time < 3; time++) tracker.report({ type: 'names-awaited', names: ['a.example.com'] });
    expect(log.visible()).toEqual(['warn the rules found in the kernel stay until DNS answers, ten minutes at most']);
  });
});

describe('the health of an agent that waits for names', () => {
  it('says what it waits for, until rules were applied', () => {
    const names = ['a.example.com', 'b.example.com', 'c.example.com'];
    const waiting = nextState(initialState(now), { type: 'names-awaited', names }, now);
    expect(readiness(waiting)).toMatchObject({
      ok: false,
      reason: expect.stringContaining('until DNS answers a.example.com and 2 other names'),
    });
    const policy = policyKeeping();
    const event = { type: 'in-sync', trigger: 'name-change', policy, verifiedBy: 'read', durationMs: 1 } as const;
    expect(readiness(nextState(waiting, event, now))).toMatchObject({ ok: true });
  });
});

it('the metric counts names by state', async () => {
  const metrics = createMetrics({
    readConnections: undefined,
    liveConnections: aSampleOfConnections,
    onReadFailure: () => undefined,
  });
  const answers = [stale, idle, down, pending];
  metrics.observe({ type: 'names', answers }, initialState(now), initialState(now));
  const samples = (await metrics.text()).split('\n').filter((line) => line.startsWith('ip_masq_agent_names{'));
  expect(samples).toEqual(
    ['resolved"} 0', 'stale"} 1', 'idle"} 2', 'pending"} 1'].map((end) => `ip_masq_agent_names{state="${end}`),
  );
});

describe('what a running agent says of names', () => {
  const serve = (body: ReturnType<typeof json>) =>
    startHttpServer('127.0.0.1:0', new Map([['/agentz/names', () => body]]), { places: 4, onError: () => undefined });

  it('is read as it is told', async () => {
    const told = [resolved, idle, down];
    const server = await serve(json(namesReportOf(told)));
    expect(await askForNames(server.address)).toEqual(told);
    await server.stop();
    expect(await askForNames(server.address)).toBeUndefined();
  });

  it('is nothing where it is something else', async () => {
    for (const body of [json({ hello: 'world' }), text(200, '<html>'), text(503, 'no')]) {
      const server = await serve(body);
      expect(await askForNames(server.address)).toBeUndefined();
      await server.stop();
    }
  });
});
