import { describe, expect, it } from 'vitest';
import { trackAgentState } from '../../src/telemetry/agent-state.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { feedTool, tool } from '../container/tool.ts';
import { aSampleOfConnections } from '../fakes/connection-sample.ts';
import { everyLoggedEvent } from '../fakes/every-log-line.ts';
import { promtoolPath } from './prometheus-tools.ts';

const rules = 'deploy/prometheus/ip-masq-agent.rules.yaml';

describe('promtool', () => {
  it('finds nothing wrong with the metrics', async () => {
    const metrics = createMetrics({
      readConnections: () => Promise.resolve({ masquerade: { ipv4: 1, ipv6: 2 }, keep: { ipv4: 3, ipv6: 4 } }),
      liveConnections: aSampleOfConnections,
      onReadFailure: () => undefined,
    });
    const tracker = trackAgentState();
    tracker.subscribe(metrics.observe);
    for (const event of everyLoggedEvent) tracker.report(event);
    const text = await metrics.text();
    expect(text).toContain('ip_masq_agent_sync_failures_total{code="XTABLES_LOCK"} 1');
    expect(await feedTool(text, promtoolPath, 'check', 'metrics')).toBe('');
  });

  it('finds nothing wrong with the alerts', async () => {
    expect(await tool(promtoolPath, 'check', 'rules', '--lint=all', '--lint-fatal', rules)).toContain(
      'SUCCESS: 17 rules',
    );
  });

  it('sees each alert fire and clear', async () => {
    const tests = rules.replace(/yaml$/, 'test.yaml');
    expect(await tool(promtoolPath, 'test', 'rules', tests)).toContain('SUCCESS');
  });
});
