import { afterEach, beforeEach, expect, it } from 'vitest';
import type { AgentProcess } from './harness/agent-process.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { type Flow, TestBed } from './harness/test-bed.ts';
import { addresses } from './harness/topology.ts';
import { startBadClients } from './observability/bad-clients.ts';
import { get, scrape } from './observability/http-client.ts';

const address = '127.0.0.1:9101';
const url = `http://${address}`;

/** Seconds of idling that a run of the tests can afford; set the variable to 600 for the real thing. */
const idleSeconds = Number(process.env['IDLE_SECONDS'] ?? 5);

const good = 'nonMasqueradeCIDRs: [10.0.0.0/8, 192.168.0.0/16]\nresyncInterval: 1s\n';

describeKernel('an observed agent', () => {
  let bed: TestBed;
  beforeEach(async () => {
    bed = await TestBed.create();
  });
  afterEach(() => bed.close());

  function startAgent(...flags: string[]): AgentProcess {
    const served = [`--metrics-bind-address=${address}`, `--healthz-bind-address=${address}`];
    return bed.startAgent('--backend=nft', ...served, ...flags);
  }

  it('is alive but not ready with a bad first config, and recovers with a good one without a restart', async () => {
    await bed.config.write({ 'ip-masq-agent': 'nonMasqueradeCIDRs: [10.0.0.0/33]\n' });
    const agent = startAgent();
    await agent.waitFor(/config rejected/);

    for (const path of ['/livez', '/healthz']) {
      expect(await get(bed.node, `${url}${path}`)).toEqual({ status: 200, body: 'ok\n' });
    }
    const ready = await get(bed.node, `${url}/readyz`);
    expect(ready.status).toBe(503);
    expect(ready.body).toMatch(/^no config was accepted yet: .*ip-masq-agent:1:\d+: /);
    const before = await scrape(bed.node, `${url}/metrics`);
    expect(before.get('ip_masq_agent_config_last_reload_successful')).toBe(0);
    expect(before.get('ip_masq_agent_in_sync')).toBe(0);

    await bed.config.write({ 'ip-masq-agent': good });
    await agent.waitFor(/rules applied/);
    expect(await get(bed.node, `${url}/readyz`)).toEqual({ status: 200, body: 'ok\n' });
    const after = await scrape(bed.node, `${url}/metrics`);
    expect(after.get('ip_masq_agent_config_last_reload_successful')).toBe(1);
    expect(after.get('ip_masq_agent_in_sync')).toBe(1);
    expect(after.get('ip_masq_agent_entries{list="nonMasqueradeCIDRs",family="ipv4"}')).toBe(2);
    expect(after.get('process_start_time_seconds')).toBe(before.get('process_start_time_seconds'));
    expect(JSON.parse((await get(bed.node, `${url}/configz`)).body)).toMatchObject({
      nonMasqueradeCIDRs: ['10.0.0.0/8', '192.168.0.0/16'],
      resyncInterval: '1s',
    });
    await agent.stop();
  });

  it('counts each new connection once, over reloads, repairs and a restart', async () => {
    const counts = async (): Promise<unknown[]> => {
      const samples = await scrape(bed.node, `${url}/metrics`);
      const count = (verdict: string, family: string): number | undefined =>
        samples.get(`ip_masq_agent_connections_total{verdict="${verdict}",family="${family}"}`);
      return ['ipv4', 'ipv6'].flatMap((family) => [count('masquerade', family), count('keep', family)]);
    };
    const flowsTo = (network: string, count: number): Flow[] =>
      Array.from({ length: count }, (_, index) => ({
        protocol: index % 2 === 0 ? 'udp' : 'tcp',
        source: network.includes(':') ? addresses.ipv6.pod : addresses.ipv4.pod,
        destination: `${network}${index + 1}`,
      }));
    const dual = good.replace('192.168.0.0/16', 'fd00::/8');

    await bed.config.write({ 'ip-masq-agent': dual });
    const agent = startAgent('--enable-ipv6');
    await agent.waitFor(/rules applied/);
    expect(await counts()).toEqual([0, 0, 0, 0]);

    const masqueraded = [...flowsTo('203.0.113.', 100), ...flowsTo('2001:db8:7::', 6)];
    const kept = [...flowsTo('10.16.9.', 50), ...flowsTo('fd00:9::', 4)];
    expect(new Set((await bed.probe(masqueraded)).map(({ verdict }) => verdict))).toEqual(new Set(['masquerade']));
    expect(new Set((await bed.probe(kept)).map(({ verdict }) => verdict))).toEqual(new Set(['keep']));
    expect(await counts()).toEqual([100, 50, 6, 4]);

    await bed.config.write({ 'ip-masq-agent': `${dual}forceMasqueradeCIDRs: [10.99.0.0/16]\n` });
    await agent.waitFor(/rules changed/);
    expect(await counts()).toEqual([100, 50, 6, 4]);

    await bed.node.run('nft', 'delete', 'table', 'inet', 'ip-masq-agent');
    await agent.waitFor(/changed by somebody else/);
    await bed.probe(flowsTo('203.0.113.', 3));
    expect(await counts()).toEqual([103, 50, 6, 4]);
    expect((await scrape(bed.node, `${url}/metrics`)).get('ip_masq_agent_drift_repairs_total')).toBe(1);
    await agent.stop();

    const next = startAgent('--enable-ipv6');
    await next.waitFor(/holds its rules already/);
    // What only the agent remembered, from before the table was deleted, went with it.
    expect(await counts()).toEqual([3, 0, 0, 0]);
    await next.stop();
  });

  it(
    'logs nothing while nothing changes, and one line for a change',
    async () => {
      await bed.config.write({ 'ip-masq-agent': good });
      const agent = startAgent();
      await agent.waitFor(/rules applied/);
      const passes = async () =>
        (await scrape(bed.node, `${url}/metrics`)).get('ip_masq_agent_syncs_total{result="in_sync",trigger="resync"}');
      const lines = agent.lines.length;
      await new Promise((resolve) => setTimeout(resolve, idleSeconds * 1000));
      // Otherwise the silence would prove nothing.
      expect(await passes()).toBeGreaterThan(1);
      expect(agent.lines.slice(lines)).toEqual([]);

      await bed.config.write({
        'ip-masq-agent': 'resyncInterval: 1s\nnonMasqueradeCIDRs:\n- 10.0.0.0/8\n- 203.0.113.0/24\n',
      });
      await agent.waitFor(/rules changed/);
      await agent.stop();
      const told = agent.lines.slice(lines).map(({ text }) => text);
      expect(told).toHaveLength(2);
      expect(told[0]).toMatch(/nonMasqueradeCIDRs\.added="203\.0\.113\.0\/24 \(\S+\/ip-masq-agent:4\)"/);
      expect(told[0]).toMatch(/nonMasqueradeCIDRs\.removed="192\.168\.0\.0\/16 \(\S+\/ip-masq-agent:1\)"/);
      expect(told[1]).toMatch(/stopped/);
    },
    (idleSeconds + 60) * 1000,
  );

  it('reconciles at once, however many bad clients it has', async () => {
    await bed.config.write({ 'ip-masq-agent': good });
    const agent = startAgent();
    await agent.waitFor(/rules applied/);
    const clients = await startBadClients(bed.node, '127.0.0.1', 9101, '/metrics');
    await bed.config.write({ 'ip-masq-agent': `${good}forceMasqueradeCIDRs: [10.99.0.0/16]\n` });
    // Each is replaced as soon as the server has lost its patience, so that there are as many all the time.
    await agent.waitFor(/rules changed/);
    await bed.node.run('nft', 'delete', 'table', 'inet', 'ip-masq-agent');
    await agent.waitFor(/changed by somebody else/);
    expect(await agent.stop()).toEqual({ code: 0, signal: null });
    clients.kill();
  });

  it('listens where it was told, and nowhere else', async () => {
    await bed.config.write({ 'ip-masq-agent': good });
    const listening = async ({ pid }: AgentProcess): Promise<string[]> =>
      (await bed.node.run('ss', '--no-header', '--listening', '--tcp', '--udp', '--numeric', '--processes'))
        .split('\n')
        .filter((line) => line.includes(`pid=${pid},`))
        .flatMap((line) => /\s(\S+:\d+)\s/.exec(line)?.[1] ?? []);
    const agent = startAgent();
    await agent.waitFor(/rules applied/);
    expect(await listening(agent)).toEqual([address]);
    await agent.stop();

    const quiet = bed.startAgent('--backend=nft');
    await quiet.waitFor(/holds its rules already/);
    expect(await listening(quiet)).toEqual([]);
    await quiet.stop();
  });

  it('applies its rules where its address is taken, says so, and serves as soon as it can be had', async () => {
    await bed.config.write({ 'ip-masq-agent': good });
    const holder = startAgent('--masq-chain=OTHER');
    await holder.waitFor(/rules applied/);
    await holder.waitFor(/serving HTTP/);
    // Only its port is to be in the way.
    holder.signal('SIGSTOP');
    await bed.node.run('nft', 'delete', 'table', 'inet', 'ip-masq-agent');
    const agent = startAgent();
    await agent.waitFor(/rules applied/);
    await agent.waitFor(/can't serve HTTP on 127\.0\.0\.1:9101: .*address already in use/);
    expect(await bed.node.run('nft', 'list', 'tables')).toBe('table inet ip-masq-agent\n');
    holder.signal('SIGKILL');
    await holder.exited;
    await agent.waitFor(/serving HTTP/);
    expect((await get(bed.node, `${url}/readyz?verbose`)).body).toBe(
      '[+]config ok\n[+]kernel ok\nreadyz check passed\n',
    );
    expect(await agent.stop()).toEqual({ code: 0, signal: null });
  });
});
