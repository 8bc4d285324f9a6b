import { describe, expect, it } from 'vitest';
import type { AgentEvent } from '../../../src/agent/events.ts';
import { AgentError } from '../../../src/errors.ts';
import { trackAgentState } from '../../../src/telemetry/agent-state.ts';
import { createMetrics } from '../../../src/telemetry/metrics.ts';
import { accepted, policyKeeping, rejected } from '../../fakes/config.ts';
import { aSampleOfConnections } from '../../fakes/connection-sample.ts';

const policy = policyKeeping('10.0.0.0/8', '192.168.0.0/16', 'fd00::/8');
const started: AgentEvent = { type: 'started', version: '1.2.3', backend: 'nft', reason: 'asked', configPath: '/c' };
const applied: AgentEvent = {
  type: 'applied',
  cause: 'first',
  trigger: 'start',
  policy,
  previous: undefined,
  differences: ['absent'],
  durationMs: 30,
};
const repaired: AgentEvent = { ...applied, cause: 'drift', trigger: 'resync', previous: policy };
const inSync: AgentEvent = { type: 'in-sync', trigger: 'resync', policy, verifiedBy: 'read', durationMs: 3 };
const failed: AgentEvent = {
  type: 'failed',
  failures: 1,
  trigger: 'retry',
  error: new AgentError('TOOL_TIMEOUT', 'nft hung'),
  retryInMs: 500,
};

/** The samples of a scrape after these events, by name and labels. */
async function samplesAfter(...events: AgentEvent[]): Promise<Map<string, number>> {
  const metrics = createMetrics({
    readConnections: undefined,
    liveConnections: aSampleOfConnections,
    onReadFailure: () => undefined,
  });
  const tracker = trackAgentState();
  tracker.subscribe(metrics.observe);
  for (const event of events) tracker.report(event);
  return samplesOf(await metrics.text());
}

function samplesOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}

describe('the metrics', () => {
  it('have a HELP and a TYPE each', async () => {
    const text = await createMetrics({
      readConnections: undefined,
      liveConnections: aSampleOfConnections,
      onReadFailure: () => undefined,
    }).text();
    const helped = [...text.matchAll(/^# HELP (\S+) \S.{20,}$/gm)].map(([, name]) => name);
    const typed = [...text.matchAll(/^# TYPE (\S+) (?:counter|gauge|histogram)$/gm)].map(([, name]) => name);
    expect(helped).toEqual(typed);
    expect(helped).toHaveLength(30);
  });

  it('begin with an agent that has done nothing', async () => {
    const samples = await samplesAfter();
    expect(samples.get('ip_masq_agent_in_sync')).toBe(0);
    expect(samples.get('ip_masq_agent_config_last_reload_successful')).toBe(0);
    expect(samples.get('ip_masq_agent_last_successful_sync_timestamp_seconds')).toBe(0);
    expect(samples.get('ip_masq_agent_drift_repairs_total')).toBe(0);
  });

  it('tell the build and the backend', async () => {
    const samples = await samplesAfter(started);
    expect(samples.get(`ip_masq_agent_build_info{version="1.2.3",node_version="${process.versions.node}"}`)).toBe(1);
    expect(samples.get('ip_masq_agent_backend_info{backend="nft"}')).toBe(1);
  });

  it('tell passes by result and trigger, and whether the last one left the kernel in sync', async () => {
    const samples = await samplesAfter(applied, inSync, inSync, failed);
    expect(samples.get('ip_masq_agent_syncs_total{result="applied",trigger="start"}')).toBe(1);
    expect(samples.get('ip_masq_agent_syncs_total{result="in_sync",trigger="resync"}')).toBe(2);
    expect(samples.get('ip_masq_agent_syncs_total{result="failed",trigger="retry"}')).toBe(1);
    expect(samples.get('ip_masq_agent_sync_failures_total{code="TOOL_TIMEOUT"}')).toBe(1);
    expect(samples.get('ip_masq_agent_in_sync')).toBe(0);
    expect((await samplesAfter(failed, inSync)).get('ip_masq_agent_in_sync')).toBe(1);
  });

  it('tell when the last success was', async () => {
    const before = Date.now() / 1000;
    const samples = await samplesAfter(inSync);
    const at = samples.get('ip_masq_agent_last_successful_sync_timestamp_seconds');
    expect(at).toBeGreaterThanOrEqual(before);
    expect(at).toBeLessThanOrEqual(Date.now() / 1000);
  });

  it('tell how long an apply took, and repairs only where something was repaired', async () => {
    const change: AgentEvent = { ...applied, cause: 'policy-change', previous: policyKeeping(), differences: [] };
    const samples = await samplesAfter(applied, change, repaired, inSync);
    expect(samples.get('ip_masq_agent_apply_duration_seconds_count')).toBe(3);
    expect(samples.get('ip_masq_agent_apply_duration_seconds_sum')).toBeCloseTo(0.09);
    expect(samples.get('ip_masq_agent_apply_duration_seconds_bucket{le="0.05"}')).toBe(3);
    expect(samples.get('ip_masq_agent_drift_repairs_total')).toBe(1);
  });

  it('tell removals of leftovers, but not looks that found or could remove nothing', async () => {
    const removed: AgentEvent = { type: 'leftovers', removed: ['chain A', 'chain B'], failures: [], removals: 1 };
    const stuck: AgentEvent = { ...removed, removed: [], failures: [new AgentError('XTABLES_LOCK', 'held')] };
    const samples = await samplesAfter(removed, stuck, removed);
    expect(samples.get('ip_masq_agent_leftover_removals_total')).toBe(2);
  });

  it('tell the entries by list and family', async () => {
    const samples = await samplesAfter(applied);
    expect(samples.get('ip_masq_agent_entries{list="nonMasqueradeCIDRs",family="ipv4"}')).toBe(2);
    expect(samples.get('ip_masq_agent_entries{list="nonMasqueradeCIDRs",family="ipv6"}')).toBe(1);
    expect(samples.get('ip_masq_agent_entries{list="forceMasqueradeCIDRs",family="ipv4"}')).toBe(0);
  });

  it('tell how many entries of outputAddresses are idle, and that none is any more', async () => {
    const idle = { text: '192.0.2.10', reason: 'the node does not have this address', source: 'default' } as const;
    const troubled: AgentEvent = { ...applied, policy: { ...policyKeeping(), idleOutputs: [idle, idle] } };
    expect((await samplesAfter(troubled)).get('ip_masq_agent_idle_output_addresses')).toBe(2);
    expect((await samplesAfter(troubled, inSync)).get('ip_masq_agent_idle_output_addresses')).toBe(0);
  });

  it('tell whether the config was accepted, and which one is in force', async () => {
    const good: AgentEvent = { type: 'config-accepted', reading: accepted(['10.0.0.0/8']) };
    const bad: AgentEvent = { type: 'config-rejected', reading: rejected('oh no'), policyKept: true };
    const accept = await samplesAfter(good);
    const reject = await samplesAfter(good, bad);
    const successful = 'ip_masq_agent_config_last_reload_successful';
    expect([accept.get(successful), reject.get(successful)]).toEqual([1, 0]);
    expect(accept.get('ip_masq_agent_resync_interval_seconds')).toBe(60);
    expect(accept.get('ip_masq_agent_config_hash')).toBe(Number.parseInt(good.reading.digest.slice(0, 12), 16));
    expect(reject.get('ip_masq_agent_config_hash')).toBe(accept.get('ip_masq_agent_config_hash'));
    expect((await samplesAfter(bad, good)).get(successful)).toBe(1);
  });

  it('tell a config that was deleted, until there is one again', async () => {
    const config = (...files: string[]): AgentEvent => ({
      type: 'config-accepted',
      reading: { ...accepted(['10.0.0.0/8']), files },
    });
    const fallback = async (...events: AgentEvent[]) =>
      (await samplesAfter(...events)).get('ip_masq_agent_config_fallback');
    // Without a file from the start, the defaults are what was wanted.
    expect(await fallback(config())).toBe(0);
    expect(await fallback(config('a'), config())).toBe(1);
    expect(await fallback(config('a'), config(), config('a'))).toBe(0);
  });

  it('read connections when, and only when, they are scraped', async () => {
    let reads = 0;
    const metrics = createMetrics({
      readConnections: () => {
        reads++;
        return Promise.resolve({ masquerade: { ipv4: 10 * reads, ipv6: 2 }, keep: { ipv4: 3, ipv6: 4 } });
      },
      liveConnections: aSampleOfConnections,
      onReadFailure: () => undefined,
    });
    expect(reads).toBe(0);
    await metrics.text();
    const samples = samplesOf(await metrics.text());
    expect(reads).toBe(2);
    expect(samples.get('ip_masq_agent_connections_total{verdict="masquerade",family="ipv4"}')).toBe(20);
    expect(samples.get('ip_masq_agent_connections_total{verdict="masquerade",family="ipv6"}')).toBe(2);
    expect(samples.get('ip_masq_agent_connections_total{verdict="keep",family="ipv4"}')).toBe(3);
    expect(samples.get('ip_masq_agent_connections_total{verdict="keep",family="ipv6"}')).toBe(4);
  });

  it('leave connections out where they can not be read, and tell the rest', async () => {
    const failures: unknown[] = [];
    const reads = [Promise.resolve({ masquerade: { ipv4: 1, ipv6: 0 }, keep: { ipv4: 0, ipv6: 0 } })];
    const metrics = createMetrics({
      readConnections: () => reads.shift() ?? Promise.reject(new Error('no nft')),
      liveConnections: aSampleOfConnections,
      onReadFailure: (cause) => failures.push(cause),
    });
    expect(await metrics.text()).toContain('ip_masq_agent_connections_total{verdict="masquerade",family="ipv4"} 1');
    const text = await metrics.text();
    expect(text).not.toContain('ip_masq_agent_connections_total{');
    expect(text).toContain('ip_masq_agent_in_sync 0');
    expect(failures).toEqual([new Error('no nft')]);
  });

  it('have no connections where the backend does not count', async () => {
    expect([...(await samplesAfter(applied)).keys()].join()).not.toContain('ip_masq_agent_connections_total');
  });

  it('tell of the process', async () => {
    const samples = await samplesAfter();
    expect(samples.get('process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect(samples.get('process_cpu_seconds_total')).toBeGreaterThan(0);
    const age = Date.now() / 1000 - (samples.get('process_start_time_seconds') ?? 0);
    expect(age).toBeGreaterThan(-1);
    expect(age).toBeLessThan(3600);
  });
});
