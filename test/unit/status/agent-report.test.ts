import { afterEach, describe, expect, it } from 'vitest';
import { askAgent } from '../../../src/status/agent-report.ts';
import { initialStatus } from '../../../src/telemetry/agent-state.ts';
import { type HttpServer, json, type Routes, startHttpServer, text } from '../../../src/telemetry/http-server.ts';
import { statusReport } from '../../../src/telemetry/status-report.ts';

const servers: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function serve(routes: Routes): Promise<string> {
  const server = await startHttpServer('127.0.0.1:0', routes, () => undefined);
  servers.push(server);
  return server.address;
}

describe('askAgent', () => {
  it('understands what an agent says, from its first moment on', async () => {
    const report = statusReport(initialStatus({ wall: Date.UTC(2026, 0, 2), steady: 0 }));
    const address = await serve(new Map([['/statusz', () => json(report)]]));
    expect(await askAgent(address)).toEqual(report);
    expect(report).toMatchObject({ startedAt: '2026-01-02T00:00:00.000Z', ready: false, backend: null });
  });

  it('reaches an agent that listens on every address', async () => {
    const address = await serve(new Map([['/statusz', () => text(503, 'no')]]));
    expect(await askAgent(address.replace('127.0.0.1', ''))).toBe('HTTP status 503');
    expect(await askAgent(address.replace('127.0.0.1', '0.0.0.0'))).toBe('HTTP status 503');
  });

  it('says why there is no report', async () => {
    const other = await serve(new Map([['/statusz', () => json({ hello: 'world' })]]));
    expect(await askAgent(other)).toBe('the answer is not that of an ip-masq-agent');
    expect(await askAgent('127.0.0.1:1')).toMatch(/ECONNREFUSED/);
  });
});
