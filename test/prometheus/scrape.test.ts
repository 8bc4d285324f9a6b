import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { AgentProcess } from '../kernel/harness/agent-process.ts';
import { TestBed } from '../kernel/harness/test-bed.ts';
import { get } from '../kernel/observability/http-client.ts';
import { prometheusPath } from './prometheus-tools.ts';

const agentAddress = '127.0.0.1:9101';
const prometheusAddress = '127.0.0.1:9090';

const answer = z.object({
  status: z.literal('success'),
  data: z.object({
    result: z.array(z.object({ metric: z.record(z.string(), z.string()), value: z.tuple([z.number(), z.string()]) })),
  }),
});

const dashboard = z.object({
  panels: z.array(z.object({ title: z.string(), targets: z.array(z.object({ expr: z.string() })).default([]) })),
});

const settings = `
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [ip-masq-agent.rules.yaml]
scrape_configs:
  - job_name: ip-masq-agent
    static_configs: [{ targets: ['${agentAddress}'] }]
`;

const good = 'nonMasqueradeCIDRs: [10.0.0.0/8]\nresyncInterval: 1s\n';

describe('a real Prometheus beside a real agent', () => {
  let bed: TestBed;
  let agent: AgentProcess;
  let prometheus: ChildProcess;

  beforeAll(async () => {
    bed = await TestBed.create();
    await bed.config.write({ 'ip-masq-agent': good });
    agent = bed.startAgent('--backend=nft', `--metrics-bind-address=${agentAddress}`);
    await agent.waitFor(/rules applied/);

    const directory = join(bed.directory, 'prometheus');
    await mkdir(directory);
    await copyFile('deploy/prometheus/ip-masq-agent.rules.yaml', join(directory, 'ip-masq-agent.rules.yaml'));
    await writeFile(join(directory, 'prometheus.yaml'), settings);
    const { tool, args } = bed.node.inside(prometheusPath, [
      `--config.file=${join(directory, 'prometheus.yaml')}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=${prometheusAddress}`,
    ]);
    prometheus = spawn(tool, args, { stdio: 'ignore' });
    await vi.waitFor(async () => expect(await sampleOf('up{job="ip-masq-agent"}')).toBe(1), {
      timeout: 60_000,
      interval: 500,
    });
  });

  afterAll(async () => {
    prometheus.kill();
    await once(prometheus, 'exit');
    await agent.stop();
    await bed.close();
  });

  async function query(expr: string): Promise<z.infer<typeof answer>['data']['result']> {
    const { status, body } = await get(
      bed.node,
      `http://${prometheusAddress}/api/v1/query?query=${encodeURIComponent(expr)}`,
    );
    if (status !== 200) throw new Error(`${expr}: ${body}`);
    return answer.parse(JSON.parse(body)).data.result;
  }

  async function sampleOf(expr: string): Promise<number | undefined> {
    const [first] = await query(expr);
    return first && Number(first.value[1]);
  }

  /** Waits until an expression has a value: Prometheus scrapes once a second. */
  async function waitForValue(expr: string, value: number): Promise<void> {
    await vi.waitFor(async () => expect(await sampleOf(expr)).toBe(value), { timeout: 20_000, interval: 500 });
  }

  it('follows the agent: in sync, connections, a bad config, a good one', async () => {
    await waitForValue('ip_masq_agent_in_sync', 1);
    await waitForValue('ip_masq_agent_entries{list="nonMasqueradeCIDRs", family="ipv4"}', 1);
    await bed.probe([1, 2, 3].map((host) => ({ source: '10.244.7.2', destination: `203.0.113.${host}` })));
    await waitForValue('ip_masq_agent_connections_total{verdict="masquerade", family="ipv4"}', 3);

    await bed.config.write({ 'ip-masq-agent': 'nonMasqueradeCIDRs: [10.0.0.0/33]\n' });
    await waitForValue('ip_masq_agent_config_last_reload_successful', 0);
    await waitForValue('count(ALERTS{alertname="IpMasqAgentConfigRejected", alertstate="pending"})', 1);
    await bed.config.write({ 'ip-masq-agent': good });
    await waitForValue('ip_masq_agent_config_last_reload_successful', 1);
    await waitForValue('count(ALERTS) or vector(0)', 0);
  });

  it('answers every query of the dashboard', async () => {
    const { panels } = dashboard.parse(JSON.parse(await readFile('deploy/grafana/ip-masq-agent.json', 'utf8')));
    // Good news has no series, and a sample of connections comes later than this.
    const mayBeEmpty = new Set([
      ...[
        'Alerts',
        'Failures by code',
        'Repairs and removals',
        'Failed insertions and drops',
        'Foreign rules, fallbacks and idle addresses',
      ],
      ...['Source ports in use, fullest nodes', 'Connection table in use, fullest nodes'],
      ...['Connections judged otherwise', 'Age of the sample'],
    ]);
    for (const { title, targets } of panels) {
      for (const { expr } of targets) {
        const filled = expr.replaceAll('$instance', '.+').replaceAll('$__rate_interval', '30s');
        expect(filled).not.toContain('$');
        const results = await query(filled);
        if (!mayBeEmpty.has(title)) expect(results.length, `${title}: ${expr}`).toBeGreaterThan(0);
      }
    }
  });

  it('fires where it should, for real', async () => {
    for (let repair = 0; repair < 4; repair++) {
      const from = agent.lines.length;
      await bed.node.run('nft', 'delete', 'table', 'inet', 'ip-masq-agent');
      await agent.waitFor(/changed by somebody else/, { from });
      // A scrape between two repairs, so that Prometheus sees the counter rise.
      await waitForValue('ip_masq_agent_drift_repairs_total', repair + 1);
    }
    await waitForValue('count(ALERTS{alertname="IpMasqAgentRepairsRepeating", alertstate="firing"})', 1);
  });
});
