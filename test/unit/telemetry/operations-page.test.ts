import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { errorTable } from '../../../src/errors.ts';
import { initialState, trackAgentState } from '../../../src/telemetry/agent-state.ts';
import { createEventLog } from '../../../src/telemetry/event-log.ts';
import { startHeartbeat } from '../../../src/telemetry/heartbeat.ts';
import { createMetrics } from '../../../src/telemetry/metrics.ts';
import { policyKeeping, rejected } from '../../fakes/config.ts';
import { aSampleOfConnections } from '../../fakes/connection-sample.ts';
import { everyLoggedEvent } from '../../fakes/every-log-line.ts';
import { fakeLog } from '../../fakes/log.ts';

const { homepage } = z.object({ homepage: z.url() }).parse(JSON.parse(readFileSync('package.json', 'utf8')));
const page = readFileSync('docs/operations.md', 'utf8');
const rules = z
  .object({
    groups: z.array(
      z.object({
        rules: z.array(
          z.object({ alert: z.string(), expr: z.string(), annotations: z.record(z.string(), z.string()) }),
        ),
      }),
    ),
  })
  .parse(parse(readFileSync('deploy/prometheus/ip-masq-agent.rules.yaml', 'utf8')))
  .groups.flatMap((group) => group.rules);
const dashboard = readFileSync('deploy/grafana/ip-masq-agent.json', 'utf8');

/** Every metric that an nft agent has, as its names are in queries. */
const metrics = await createMetrics({
  readConnections: () => Promise.resolve({ masquerade: { ipv4: 0, ipv6: 0 }, keep: { ipv4: 0, ipv6: 0 } }),
  liveConnections: aSampleOfConnections,
  onReadFailure: () => undefined,
}).text();
const types = new Map([...metrics.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]));
const sampleNames = new Set(
  [...types].flatMap(([name, type]) =>
    type === 'histogram' ? ['_bucket', '_sum', '_count'].map((suffix) => name + suffix) : [name],
  ),
);

function metricNamesIn(text: string): string[] {
  return [...new Set(text.match(/\b(?:ip_masq_agent|process)_[a-z_]+\b/g) ?? [])];
}

/** What stands for something else in the lines of the page's tables. */
const placeholders: Readonly<Record<string, string>> = { '…': '.+', FILE: '\\S+', LINE: '\\d+', COLUMN: '\\d+' };

/** The lines that the page's tables describe, as patterns. */
const describedLines = page
  .slice(page.indexOf('### Lines in good times'), page.indexOf('### Error codes'))
  .split('\n')
  .flatMap((row) => /^\| `([^`]+)` \|/.exec(row)?.[1] ?? [])
  .map((line) => {
    const literal = line.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
    const pattern = literal.replaceAll(/…|\b(?:FILE|LINE|COLUMN)\b/g, (word) => placeholders[word] ?? word);
    return { line, pattern: new RegExp(`^${pattern}$`) };
  });

describe('docs/operations.md', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('describes every log line, and none that there is not', () => {
    const log = fakeLog();
    const tracker = trackAgentState();
    tracker.subscribe(createEventLog(log));
    for (const event of everyLoggedEvent) tracker.report(event);
    const now = { wallClock: 0, monotonic: 0 };
    const rejection = { reading: rejected('bad CIDR'), at: now };
    const policy = policyKeeping();
    const fallback = { lostFiles: ['a'], at: now };
    for (const status of [{ policy }, { policy, rejection }, { rejection }, { policy, fallback }]) {
      startHeartbeat(log, () => ({ ...initialState(now), ...status }));
    }
    vi.advanceTimersByTime(24 * 60 * 60_000);

    const lines = log.visible().map((line) => line.replace(/^(?:info|warn|error) /, ''));
    const ofPasses = lines.filter((line) => line.startsWith('held. '));
    expect(ofPasses).toHaveLength(1);
    const others = lines.filter((line) => !ofPasses.includes(line));
    expect(others.filter((line) => !describedLines.some(({ pattern }) => pattern.test(line)))).toEqual([]);
    const elsewhere = [
      'health checks and metrics share an address that others can reach: busy clients of the metrics can keep the kubelet from the health',
      'log lines were dropped, since nobody read them',
      'HTTP: …',
      'flags of klog are accepted but do nothing here: …',
    ];
    const unused = describedLines.filter(({ pattern }) => !others.some((line) => pattern.test(line)));
    expect(unused.map(({ line }) => line)).toEqual(elsewhere);
  });

  it('describes every error code', () => {
    const codes = page.slice(page.indexOf('### Error codes'), page.indexOf('## Metrics'));
    expect(Object.keys(errorTable).filter((code) => !codes.includes(`\`${code}\``))).toEqual([]);
  });

  it('describes every metric, with its type', () => {
    const described = [...page.matchAll(/^\| `(ip_masq_agent_[a-z_]+)` \| (\w+)/gm)];
    const own = [...types].filter(([name]) => name.startsWith('ip_masq_agent_'));
    expect(new Map(described.map(([, name = '', type = '']) => [name, type]))).toEqual(new Map(own));
    expect([...types.keys()].filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  it('describes every alert where the alert says so', () => {
    const headings = [...page.matchAll(/^### (IpMasqAgent\w+)$/gm)].map(([, name]) => name);
    expect(headings).toEqual(rules.map(({ alert }) => alert));
    for (const { alert, annotations } of rules) {
      expect(annotations['runbook_url']).toBe(`${homepage}/blob/main/docs/operations.md#${alert.toLowerCase()}`);
    }
  });
});

describe('alerts and dashboard', () => {
  it('ask for metrics that there are', () => {
    const asked = metricNamesIn([...rules.map(({ expr }) => expr), dashboard].join('\n'));
    expect(asked.length).toBeGreaterThan(10);
    expect(asked.filter((name) => !sampleNames.has(name))).toEqual([]);
  });

  it('leave no metric of the agent out of the dashboard', () => {
    const shown = metricNamesIn(dashboard);
    const isShown = (name: string): boolean => shown.some((asked) => asked.replace(/_bucket$/, '') === name);
    expect([...types.keys()].filter((name) => !isShown(name))).toEqual([]);
  });

  it('show every alert in the dashboard', () => {
    expect(rules.every(({ alert }) => alert.startsWith('IpMasqAgent'))).toBe(true);
    expect(dashboard).toContain('alertname=~\\"IpMasqAgent.*\\"');
  });
});
