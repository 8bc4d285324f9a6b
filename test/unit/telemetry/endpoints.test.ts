import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { AgentEvent } from '../../../src/agent/events.ts';
import { AgentError } from '../../../src/errors.ts';
import { trackAgentState } from '../../../src/telemetry/agent-state.ts';
import { createEndpoints, type EndpointOptions, type Endpoints } from '../../../src/telemetry/endpoints.ts';
import { accepted, policyKeeping, rejected } from '../../fakes/config.ts';
import { fakeLog } from '../../fakes/log.ts';

type Serving = Extract<AgentEvent, { type: 'serving' }>;

const running: Endpoints[] = [];

/** Endpoints at work; `get` asks the server with this number, in the order in which they began to serve. */
async function start(metricsAddress: string, healthAddress: string, options: Partial<EndpointOptions> = {}) {
  const tracker = trackAgentState();
  const events: AgentEvent[] = [];
  const log = fakeLog();
  const endpoints = await createEndpoints({
    metricsAddress,
    healthAddress,
    state: tracker.state,
    flags: new Map([
      ['to-ports', '1024-2000'],
      ['config', '/etc/config'],
    ]),
    readConnections: undefined,
    spareDescriptors: 100,
    log,
    report: tracker.report,
    ...options,
  });
  tracker.subscribe(endpoints.observe);
  tracker.subscribe((event) => void events.push(event));
  running.push(endpoints);
  endpoints.start();
  const served = (): Serving[] => events.filter((event) => event.type === 'serving');
  const expected = new Set([metricsAddress, healthAddress].filter((address) => address !== '')).size;
  const tried = () => events.filter(({ type }) => type === 'serving' || type === 'listen-failed');
  await vi.waitFor(() => expect(tried().length).toBeGreaterThanOrEqual(expected));
  const get = async (path: string, server = 0): Promise<{ status: number; body: string }> => {
    const answer = await fetch(`http://${served()[server]?.bound}${path}`);
    return { status: answer.status, body: await answer.text() };
  };
  const paths = () => served().map((event) => event.paths);
  return { report: tracker.report, state: tracker.state, events, served, paths, get, log };
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((endpoints) => endpoints.stop()));
});

const any = '127.0.0.1:0';
const healthPaths = ['/livez', '/readyz', '/healthz', '/statusz', '/flagz', '/configz', '/agentz', '/agentz/names'];
const started: AgentEvent = { type: 'started', version: '1.2.3', backend: 'nft', reason: 'asked', configPath: '/c' };
const bad: AgentEvent = { type: 'config-rejected', reading: rejected('bad CIDR'), policyKept: false };
const good: AgentEvent = { type: 'config-accepted', reading: accepted(['10.0.0.0/8']) };
const applied: AgentEvent = {
  type: 'applied',
  cause: 'first',
  trigger: 'start',
  policy: policyKeeping('10.0.0.0/8'),
  previous: undefined,
  differences: ['absent'],
  durationMs: 30,
};

describe('endpoints', () => {
  it('share one server between equal addresses', async () => {
    expect((await start(any, any)).paths()).toEqual([[...healthPaths, '/metrics']]);
  });

  it('are kept apart where the addresses differ', async () => {
    const { paths, get } = await start('127.0.0.1:0', '[::1]:0');
    const health = paths().findIndex((served) => served.includes('/livez'));
    expect(paths()[health]).toEqual(healthPaths);
    expect(paths()[1 - health]).toEqual(['/metrics']);
    expect((await get('/metrics', health)).status).toBe(404);
    expect((await get('/metrics', 1 - health)).status).toBe(200);
  });

  it('are off without an address', async () => {
    expect((await start('', any)).paths()).toEqual([healthPaths]);
    expect((await start(any, '')).paths()).toEqual([['/metrics']]);
  });

  it('are tried again where an address is taken, and told of until it is had', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const holding = holder.address();
    const taken = `127.0.0.1:${typeof holding === 'object' ? holding?.port : ''}`;
    const { events, served, state, get } = await start(any, taken);
    await vi.waitFor(() => expect(served()).toHaveLength(1));
    expect(events).toContainEqual({
      type: 'listen-failed',
      address: taken,
      reason: expect.stringContaining('EADDRINUSE'),
      retryInMs: expect.any(Number),
    });
    expect(state().listenFailures).toMatchObject([{ address: taken }]);
    // The other address is served all the same.
    expect((await get('/metrics')).status).toBe(200);
    holder.close();
    await vi.waitFor(() => expect(served()).toHaveLength(2), 10_000);
    expect(state().listenFailures).toEqual([]);
    expect((await get('/livez', 1)).status).toBe(200);
  });

  it('warn where others can starve the health, and only there', async () => {
    expect((await start('127.0.0.1:0', '127.0.0.1:0')).log.lines).toEqual([]);
    expect((await start('0.0.0.0:0', '127.0.0.1:0')).log.lines).toEqual([]);
    const { log } = await start('0.0.0.0:0', '0.0.0.0:0');
    expect(log.lines).toMatchObject([
      { text: expect.stringMatching(/^warn health checks and metrics share/), fields: { address: '0.0.0.0:0' } },
    ]);
  });

  it('collect the metrics once for all who ask meanwhile', async () => {
    let reads = 0;
    const gate = Promise.withResolvers<void>();
    const counts = { masquerade: { ipv4: 1, ipv6: 2 }, keep: { ipv4: 3, ipv6: 4 } };
    const readConnections = () => {
      reads++;
      return gate.promise.then(() => counts);
    };
    const { get } = await start(any, '', { readConnections });
    const answers = Array.from({ length: 5 }, () => get('/metrics'));
    await vi.waitFor(() => expect(reads).toBe(1));
    // An answer to somebody who came later than all of them.
    expect((await get('/livez')).status).toBe(404);
    gate.resolve();
    expect(new Set((await Promise.all(answers)).map(({ status }) => status))).toEqual(new Set([200]));
    expect(reads).toBe(1);
    await get('/metrics');
    expect(reads).toBe(2);
  });

  it('follow an agent from a bad first config to a good one', async () => {
    const { report, get } = await start(any, any);
    report(started);
    for (const path of ['/livez', '/healthz']) expect(await get(path)).toEqual({ status: 200, body: 'ok\n' });
    expect(await get('/readyz')).toEqual({ status: 503, body: 'the first reconcile has not finished\n' });
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

  it('tell each check where they are asked to be verbose', async () => {
    const { report, get } = await start('', any);
    expect((await get('/livez?verbose')).body).toBe('[+]loop ok\nlivez check passed\n');
    expect((await get('/healthz?verbose')).body).toBe('[+]loop ok\nhealthz check passed\n');
    for (const event of [good, applied]) report(event);
    expect(await get('/readyz?verbose=1')).toEqual({
      status: 200,
      body: '[+]config ok\n[+]kernel ok\nreadyz check passed\n',
    });
    report(bad);
    report({
      type: 'failed',
      failures: 1,
      trigger: 'resync',
      error: new AgentError('TOOL_TIMEOUT', 'nft hung'),
      retryInMs: 1,
    });
    expect(await get('/readyz?verbose')).toEqual({
      status: 503,
      body: [
        '[+]config ok: the last good one is in force, the one on disk is rejected: ip-masq-agent:1:5: bad CIDR',
        '[-]kernel failed: the kernel could not be brought to the policy: TOOL_TIMEOUT: nft hung',
        'readyz check failed\n',
      ].join('\n'),
    });
  });

  it('show each config as it is accepted', async () => {
    const { report, get } = await start('', any);
    report(good);
    const first = await get('/configz');
    report({ type: 'config-accepted', reading: accepted(['192.168.0.0/16']) });
    const second = await get('/configz');
    expect([first.body.includes('10.0.0.0/8'), second.body.includes('10.0.0.0/8')]).toEqual([true, false]);
    expect(second.body).toContain('192.168.0.0/16');
  });

  it('show state and flags as pages in the form of the components of Kubernetes', async () => {
    const { report, get } = await start('', any);
    for (const event of [started, good, applied]) report(event);
    const warning =
      'Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.';
    const { body } = await get('/statusz');
    expect(body.split('\n').slice(0, 4)).toEqual(['', 'ip-masq-agent statusz', warning, '']);
    expect(body).toMatch(/^Started: \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d UTC \d{4}$/m);
    expect(body).toMatch(/^Up: 0 hr 00 min \d\d sec$/m);
    expect(body).toMatch(/^Binary version: 1\.2\.3$/m);
    expect(body).toMatch(/^Paths: \/agentz \/agentz\/names \/configz \/flagz \/healthz \/livez \/readyz \/statusz$/m);
    expect(body).toMatch(/^Ready: yes$/m);
    expect((await get('/flagz')).body).toBe(
      `\nip-masq-agent flagz\n${warning}\n\nconfig=/etc/config\nto-ports=1024-2000\n`,
    );
  });

  it('give what `status` asks for as JSON', async () => {
    const { report, get } = await start('', any);
    for (const event of [started, good, applied, bad]) report(event);
    expect(JSON.parse((await get('/agentz')).body)).toMatchObject({
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
      anotherAgent: null,
      failure: null,
    });
  });
});
