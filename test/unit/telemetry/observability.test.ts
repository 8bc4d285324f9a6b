import { afterEach, describe, expect, it } from 'vitest';
import type { AgentEvent } from '../../../src/agent/events.ts';
import { trackAgentState } from '../../../src/telemetry/agent-state.ts';
import { type Observability, startObservability } from '../../../src/telemetry/observability.ts';
import { accepted, policyKeeping, rejected } from '../../fakes/config.ts';
import { fakeLog } from '../../fakes/log.ts';

const running: Observability[] = [];

async function start(metricsAddress: string, healthAddress: string) {
  const tracker = trackAgentState();
  const observability = await startObservability({
    metricsAddress,
    healthAddress,
    status: tracker.status,
    readConnections: undefined,
    log: fakeLog(),
  });
  running.push(observability);
  const report = (event: AgentEvent): void => {
    tracker.report(event);
    observability.report(event);
  };
  const get = async (path: string, server = 0): Promise<{ status: number; body: string }> => {
    const answer = await fetch(`http://${observability.servers[server]?.address}${path}`);
    return { status: answer.status, body: await answer.text() };
  };
  return { observability, report, get };
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((observability) => observability.stop()));
});

const any = '127.0.0.1:0';
const healthPaths = ['/healthz', '/readyz', '/configz', '/statusz'];
const started: AgentEvent = { type: 'started', version: '1.2.3', backend: 'nft', reason: 'asked', configPath: '/c' };
const bad: AgentEvent = { type: 'config-rejected', reading: rejected('bad CIDR'), policyKept: false };
const good: AgentEvent = { type: 'config-accepted', reading: accepted(['10.0.0.0/8']) };
const applied: AgentEvent = {
  type: 'applied',
  trigger: 'start',
  cause: 'first',
  policy: policyKeeping('10.0.0.0/8'),
  previous: undefined,
  differences: ['absent'],
  durationMs: 30,
};

describe('startObservability', () => {
  it('shares one server between equal addresses', async () => {
    const { observability } = await start(any, any);
    expect(observability.servers.map(({ paths }) => paths)).toEqual([[...healthPaths, '/metrics']]);
  });

  it('keeps different addresses apart', async () => {
    const { observability, get } = await start('127.0.0.1:0', '[::1]:0');
    expect(observability.servers.map(({ paths }) => paths)).toEqual([healthPaths, ['/metrics']]);
    expect((await get('/metrics', 0)).status).toBe(404);
    expect((await get('/metrics', 1)).status).toBe(200);
  });

  it('leaves off what has no address', async () => {
    expect((await start('', any)).observability.servers.map(({ paths }) => paths)).toEqual([healthPaths]);
    expect((await start(any, '')).observability.servers.map(({ paths }) => paths)).toEqual([['/metrics']]);
  });

  it('leaves nothing running when one address is taken', async () => {
    const { observability } = await start(any, '');
    const taken = observability.servers[0]?.address ?? '';
    await expect(start(taken, any)).rejects.toMatchObject({ code: 'LISTEN_FAILED' });
    expect(running).toHaveLength(1);
  });

  it('follows an agent from a bad first config to a good one', async () => {
    const { report, get } = await start(any, any);
    report(started);
    expect(await get('/healthz')).toEqual({ status: 200, body: 'ok\n' });
    expect(await get('/readyz')).toEqual({ status: 503, body: 'the first pass has not finished\n' });
    report(bad);
    expect(await get('/readyz')).toEqual({
      status: 503,
      body: 'no config was accepted yet: ip-masq-agent:1:5: bad CIDR\n',
    });
    expect(await get('/configz')).toEqual({ status: 503, body: 'no config was accepted yet\n' });
    expect((await get('/metrics')).body).toContain('ip_masq_agent_config_last_reload_successful 0\n');
    report(good);
    report(applied);
    expect(await get('/readyz')).toEqual({ status: 200, body: 'ok\n' });
    expect(JSON.parse((await get('/configz')).body)).toMatchObject({
      nonMasqueradeCIDRs: ['10.0.0.0/8'],
      resyncInterval: '1m0s',
    });
    expect((await get('/metrics')).body).toContain('ip_masq_agent_config_last_reload_successful 1\n');
  });

  it('shows each config as it is accepted', async () => {
    const { report, get } = await start('', any);
    report(good);
    const first = await get('/configz');
    report({ type: 'config-accepted', reading: accepted(['192.168.0.0/16']) });
    const second = await get('/configz');
    expect([first.body.includes('10.0.0.0/8'), second.body.includes('10.0.0.0/8')]).toEqual([true, false]);
    expect(second.body).toContain('192.168.0.0/16');
  });

  it('tells the status as JSON', async () => {
    const { report, get } = await start('', any);
    for (const event of [started, good, applied, bad]) report(event);
    expect(JSON.parse((await get('/statusz')).body)).toMatchObject({
      version: '1.2.3',
      pid: process.pid,
      backend: 'nft',
      backendReason: 'asked',
      ready: true,
      reason: 'ok',
      config: { path: '/c', files: ['ip-masq-agent'], problems: ['ip-masq-agent:1:5: bad CIDR'] },
      driftRepairs: 0,
      lastDriftRepairAt: null,
      lastSyncAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      failure: null,
    });
  });
});
