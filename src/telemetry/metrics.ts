import { Counter, Registry } from 'prom-client';
import type { AgentEvent, ReportEvent } from '../agent/events.ts';
import type { ConnectionCounts } from '../backends/nft/connection-counters.ts';
import { families } from '../net/family.ts';
import { entryCounts } from '../policy/entry-counts.ts';
import { isDriftRepair } from './agent-state.ts';
import { type ConnectionMetricsSources, registerConnectionMetrics } from './connection-metrics.ts';
import { type DefinedMetrics, defineMetrics } from './metric-definitions.ts';
import { registerProcessMetrics } from './process-metrics.ts';

/** The metrics of one agent. */
export interface Metrics {
  readonly report: ReportEvent;
  /** The text of /metrics, in Prometheus' exposition format. */
  text(): Promise<string>;
  readonly contentType: string;
}

export interface MetricsOptions {
  /** Reads the connection counters; undefined where the backend has none. Called once a scrape. */
  readonly readConnections: (() => Promise<ConnectionCounts>) | undefined;
  /** Live connections and source ports. */
  readonly liveConnections?: ConnectionMetricsSources | undefined;
  /** Called with why the connections are missing in a scrape. */
  readonly onReadFailure: (cause: unknown) => void;
}

/** Metrics made from events, but for the connections, which are read when they are asked for. */
export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  const metrics = defineMetrics(registry);
  registerConnections(registry, options);
  if (options.liveConnections) registerConnectionMetrics(registry, options.liveConnections);
  registerProcessMetrics(registry);
  return {
    report: (event) => record(metrics, event),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

function record(metrics: DefinedMetrics, event: AgentEvent): void {
  switch (event.type) {
    case 'started':
      metrics.buildInfo.set({ version: event.version, node_version: process.versions.node }, 1);
      metrics.backendInfo.set({ backend: event.backend }, 1);
      return;
    case 'config-accepted':
      metrics.reloadSuccessful.set(1);
      metrics.reloadSuccess.setToCurrentTime();
      metrics.configHash.set(Number.parseInt(event.reading.digest.slice(0, hashDigits), 16));
      metrics.resyncInterval.set(event.reading.config.resyncIntervalMs.value / 1000);
      return;
    case 'config-rejected':
      metrics.reloadSuccessful.set(0);
      return;
    case 'applied':
      metrics.applyDuration.observe(event.durationMs / 1000);
      if (isDriftRepair(event)) metrics.driftRepairs.inc();
      recordSuccess(metrics, 'applied', event);
      return;
    case 'in-sync':
      recordSuccess(metrics, 'in_sync', event);
      return;
    case 'failed':
      metrics.syncs.inc({ result: 'failed', trigger: event.trigger });
      metrics.failures.inc({ code: event.error.code });
      metrics.inSync.set(0);
      return;
    case 'leftovers':
      if (event.removed.length > 0) metrics.leftoverRemovals.inc();
  }
}

/** 48 bits: as many as a sample, a double, holds exactly. */
const hashDigits = 12;

function recordSuccess(
  { syncs, inSync, lastSync, entries }: DefinedMetrics,
  result: 'applied' | 'in_sync',
  { trigger, policy }: Extract<AgentEvent, { type: 'applied' | 'in-sync' }>,
): void {
  syncs.inc({ result, trigger });
  inSync.set(1);
  lastSync.setToCurrentTime();
  for (const { list, family, count } of entryCounts(policy)) entries.set({ list, family }, count);
}

/** Connections are counted by the kernel, and read there when, and only when, somebody asks. */
function registerConnections(registry: Registry, { readConnections, onReadFailure }: MetricsOptions): void {
  if (!readConnections) return;
  new Counter({
    name: 'ip_masq_agent_connections_total',
    help: 'New connections by verdict (masquerade, keep) and family; those to addresses of the host itself are not counted.',
    labelNames: ['verdict', 'family'],
    registers: [registry],
    async collect() {
      try {
        const counts = await readConnections();
        this.reset();
        for (const verdict of ['masquerade', 'keep'] as const) {
          for (const family of families) this.inc({ verdict, family }, counts[verdict][family]);
        }
      } catch (cause) {
        // Absent, not stale: the rest of the scrape is still worth having.
        this.reset();
        onReadFailure(cause);
      }
    },
  });
}
