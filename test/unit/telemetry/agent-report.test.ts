import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { agentReportOf, askForConfig, askForReport } from '../../../src/telemetry/agent-report.ts';
import { initialState, nextState } from '../../../src/telemetry/agent-state.ts';
import { type HttpServer, json, type Routes, startHttpServer, text } from '../../../src/telemetry/http-server.ts';
import { accepted, rejected } from '../../fakes/config.ts';

const servers: (HttpServer | Server)[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    if ('stop' in server) await server.stop();
    else server.close();
  }
});

async function serve(routes: Routes): Promise<string> {
  const server = await startHttpServer('127.0.0.1:0', routes, { places: 32, onError: () => undefined });
  servers.push(server);
  return server.address;
}

/** Somebody who answers every connection with this and goes on for as long as it is let. */
async function answerForEver(head: string, body: string, everyMs: number): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write(head);
    const timer = setInterval(() => socket.write(body), everyMs);
    socket.on('close', () => clearInterval(timer));
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' ? `127.0.0.1:${address?.port}` : '';
}

const now = { wallClock: Date.UTC(2026, 0, 2), monotonic: 0 };

describe('askForReport', () => {
  it('understands what an agent says, from its first moment on', async () => {
    const report = agentReportOf(initialState(now));
    const address = await serve(new Map([['/agentz', () => json(report)]]));
    expect(await askForReport(address)).toEqual(report);
    expect(report).toMatchObject({ startedAt: '2026-01-02T00:00:00.000Z', ready: false, backend: null });
  });

  it('understands an agent in all kinds of trouble, whose report stays short', async () => {
    const problems = Array.from({ length: 60_000 }, (_, index) => `bad CIDR ${index}`);
    const state = (
      [
        { type: 'config-accepted', reading: accepted(['10.0.0.0/8'], ['a']) },
        { type: 'config-accepted', reading: { ...accepted(['10.0.0.0/8']), files: [] } },
        { type: 'config-rejected', reading: rejected(...problems), policyKept: true },
        { type: 'listen-failed', address: ':80', reason: 'EADDRINUSE', retryInMs: 1 },
      ] as const
    ).reduce((before, event) => nextState(before, event, now), initialState(now));
    const report = await askForReport(await serve(new Map([['/agentz', () => json(agentReportOf(state))]])));
    expect(report).toMatchObject({
      config: { fallback: { lostFiles: ['a'], since: '2026-01-02T00:00:00.000Z' }, rejectedAt: expect.any(String) },
      listenFailures: [{ address: ':80', reason: 'EADDRINUSE' }],
    });
  });

  it('reaches an agent that listens on every address', async () => {
    const address = await serve(new Map([['/agentz', () => text(503, 'no')]]));
    expect(await askForReport(address.replace('127.0.0.1', ''))).toBe('HTTP status 503');
    expect(await askForReport(address.replace('127.0.0.1', '0.0.0.0'))).toBe('HTTP status 503');
  });

  it('says why there is no report', async () => {
    const other = await serve(new Map([['/agentz', () => json({ hello: 'world' })]]));
    expect(await askForReport(other)).toBe('the answer is not that of an ip-masq-agent');
    const page = await serve(new Map([['/agentz', () => text(200, '<html>')]]));
    expect(await askForReport(page)).toBe('the answer is not that of an ip-masq-agent');
    expect(await askForReport('127.0.0.1:1')).toMatch(/ECONNREFUSED/);
  });

  it('reads 64 KiB at most', async () => {
    const address = await answerForEver('HTTP/1.1 200 OK\r\n\r\n', 'x'.repeat(20_000), 1);
    expect(await askForReport(address)).toBe('the answer is longer than 65536 bytes');
  });

  it.each([
    ['its head', 'HTTP/1.1 200 OK\r\nX: '],
    ['its end', 'HTTP/1.1 200 OK\r\n\r\n{'],
  ])('waits 2 s at most for %s', async (_, head) => {
    expect(await askForReport(await answerForEver(head, ' ', 100))).toMatch(/answer within 2000 ms$/);
  });
});

describe('askForConfig', () => {
  it('gives a config that is far longer than a report, and nothing where there is none', async () => {
    const config = { nonMasqueradeCIDRs: Array.from({ length: 20_000 }, (_, index) => `10.0.0.${index}`) };
    expect(await askForConfig(await serve(new Map([['/configz', () => json(config)]])))).toEqual(config);
    expect(await askForConfig(await serve(new Map()))).toBeUndefined();
    expect(await askForConfig(await serve(new Map([['/configz', () => json([1])]])))).toBeUndefined();
  });
});
