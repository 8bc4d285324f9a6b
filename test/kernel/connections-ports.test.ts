import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeKernel } from './harness/describe-kernel.ts';
import { TestBed } from './harness/test-bed.ts';
import { addresses } from './harness/topology.ts';
import { connectionsOn } from './live-flows/connections-command.ts';
import { scrape } from './observability/http-client.ts';

const { pod, node } = addresses.ipv4;
const far = '203.0.113.8';

describeKernel('source ports', () => {
  let bed: TestBed;
  beforeEach(async () => {
    bed = await TestBed.create();
    await bed.node.run('sysctl', '--quiet', '--write', 'net.netfilter.nf_conntrack_udp_timeout=120');
    await bed.config.write({ config: 'nonMasqueradeCIDRs: [10.0.0.0/8]\n' });
  });
  afterEach(() => bed.close());

  async function apply(...flags: string[]): Promise<void> {
    const agent = bed.startAgent('run', '--once', ...flags);
    if ((await agent.exited).code !== 0) throw new Error(agent.output);
  }

  async function failuresInKernel(): Promise<readonly [insertFailed: number, drop: number]> {
    const [names = '', ...cpus] = (await bed.node.run('cat', '/proc/net/stat/nf_conntrack')).trim().split('\n');
    const sum = (name: string): number => {
      const column = names.split(/\s+/).indexOf(name);
      return cpus.reduce((total, line) => total + Number.parseInt(line.split(/\s+/)[column] ?? '', 16), 0);
    };
    return [sum('insert_failed'), sum('drop')];
  }

  it('run out at 64 of --to-ports: the share is 1, and the kernel counts what found none', async () => {
    await apply('--to-ports', '2000-2063');
    const [insertFailed, drop] = await failuresInKernel();
    await bed.probe(Array.from({ length: 200 }, () => ({ source: pod, destination: far })));
    const { report } = await connectionsOn(bed, '--to-ports', '2000-2063');
    expect(report).toMatchObject({ total: 64, masqueraded: 64 });
    expect(report?.ports).toEqual([
      {
        protocol: 'udp',
        destination: far,
        port: expect.any(Number),
        address: node,
        used: 64,
        available: 64,
        share: 1,
      },
    ]);
    expect(await failuresInKernel()).toEqual([insertFailed + 136, drop + 136]);

    const agent = bed.startAgent('--to-ports', '2000-2063', '--metrics-bind-address', '127.0.0.1:9101');
    await agent.waitFor(/config accepted/);
    const metrics = await scrape(bed.node, 'http://127.0.0.1:9101/metrics');
    expect(metrics.get('ip_masq_agent_conntrack_insert_failed_total')).toBe(insertFailed + 136);
    expect(metrics.get('ip_masq_agent_conntrack_drop_total')).toBe(drop + 136);
    expect(metrics.get('ip_masq_agent_conntrack_entries')).toBeGreaterThanOrEqual(64);
    expect(metrics.get('ip_masq_agent_conntrack_limit')).toBeGreaterThan(64);
    // The first sample is taken later: until then, what is not known is absent.
    expect(metrics.has('ip_masq_agent_source_ports_share_max')).toBe(false);
    await agent.stop();
  });

  it('are told for each destination, the fullest first, beside what a cloud leaves the node', async () => {
    await apply();
    await bed.probe([
      ...Array.from({ length: 30 }, () => ({ source: pod, destination: far })),
      ...Array.from({ length: 10 }, () => ({ source: pod, destination: '192.0.2.7' })),
      { source: pod, destination: '10.9.9.9' },
    ]);
    const { report } = await connectionsOn(bed, '--snat-port-budget', '60');
    expect(report?.ports).toMatchObject([
      { destination: far, used: 30, available: 60, share: 0.5 },
      { destination: '192.0.2.7', used: 10, available: 60 },
    ]);
  });
});
