import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { AgentEvent } from '../agent/events.ts';
import type { ConnectionCounts } from '../backends/nft/counters.ts';
import { families } from '../net/family.ts';
import { entryCounts } from '../policy/policy.ts';
import type { AgentState, Observer } from './agent-state.ts';
import { type ConnectionMetricsSources, registerConnectionMetrics } from './connection-metrics.ts';
import { nameStates, statusOfName } from './name-report.ts';
import { registerProcessMetrics } from './process-metrics.ts';

/** The metrics of one agent. */
export interface Metrics {
  readonly observe: Observer;
  /** The text of /metrics, in Prometheus' exposition format. */
  text(): Promise<string>;
  readonly contentType: string;
}

export interface MetricsOptions {
  /** Reads the connection counters; undefined where the backend has none. Called once a scrape. */
  readonly readConnections: (() => Promise<ConnectionCounts>) | undefined;
  /** Live connections and source ports. */
  readonly liveConnections: ConnectionMetricsSources;
  /** Called with why the connections are missing in a scrape. */
  readonly onReadFailure: (cause: unknown) => void;
}

/** Metrics made from events, but for the connections, which are read when they are asked for. */
export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  const metrics = defineMetrics(registry);
  registerConnections(registry, options);
  registerConnectionMetrics(registry, options.liveConnections);
  registerProcessMetrics(registry);
  return {
    observe: (event, state) => record(metrics, event, state),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

function record(metrics: DefinedMetrics, event: AgentEvent, { fallback }: AgentState): void {
  switch (event.type) {
    case 'started':
      metrics.buildInfo.set({ version: event.version, node_version: process.versions.node }, 1);
      metrics.backendInfo.set({ backend: event.backend }, 1);
      return;
    case 'config-accepted':
      metrics.reloadSuccessful.set(1);
      metrics.reloadSuccess.setToCurrentTime();
      metrics.configFallback.set(fallback ? 1 : 0);
      metrics.configHash.set(Number.parseInt(event.reading.digest.slice(0, hashDigits), 16));
      metrics.resyncInterval.set(event.reading.config.resyncIntervalMs.value / 1000);
      return;
    case 'config-rejected':
      metrics.reloadSuccessful.set(0);
      return;
    case 'names':
      for (const state of nameStates) {
        metrics.names.set({ state }, event.answers.filter((answer) => statusOfName(answer) === state).length);
      }
      return;
    case 'applied':
      metrics.applyDuration.observe(event.durationMs / 1000);
      if (event.cause === 'drift') metrics.driftRepairs.inc();
      for (const family of families) metrics.flippedRanges.inc({ family }, event.flips?.ranges[family] ?? 0);
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
    case 'foreign-masquerade':
      if (event.found.failures.length === 0 || event.found.found.length > 0) {
        metrics.foreignMasquerade.set(event.found.found.length);
      }
      return;
    case 'rejudged':
      metrics.deletedConnections.inc(event.deleted);
      return;
    case 'leftovers':
      if (event.removed.length > 0) metrics.leftoverRemovals.inc();
  }
}

/** 48 bits: as many as a sample, a double, holds exactly. */
const hashDigits = 12;

function recordSuccess(
  { syncs, inSync, lastSync, entries, idleOutputs }: DefinedMetrics,
  result: 'applied' | 'in_sync',
  { trigger, policy }: Extract<AgentEvent, { type: 'applied' | 'in-sync' }>,
): void {
  syncs.inc({ result, trigger });
  inSync.set(1);
  lastSync.setToCurrentTime();
  idleOutputs.set(policy.idleOutputs.length);
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

/** Seconds. From a small policy on an idle node to 100,000 CIDRs on a busy one. */
const durationBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Registers the metrics that are made from events. docs/operations.md says what to do about each. */
function defineMetrics(registry: Registry) {
  const registers = [registry];
  return {
    buildInfo: new Gauge({
      name: 'ip_masq_agent_build_info',
      help: 'Always 1; the labels tell the version of the agent and of Node.js.',
      labelNames: ['version', 'node_version'],
      registers,
    }),
    backendInfo: new Gauge({
      name: 'ip_masq_agent_backend_info',
      help: 'Always 1; the label tells the backend in use.',
      labelNames: ['backend'],
      registers,
    }),
    inSync: new Gauge({
      name: 'ip_masq_agent_in_sync',
      help: 'Whether the kernel held the policy when it was last looked at: 1 or 0.',
      registers,
    }),
    lastSync: new Gauge({
      name: 'ip_masq_agent_last_successful_sync_timestamp_seconds',
      help: 'When the kernel was last found or brought in sync, in seconds since 1970; 0: never.',
      registers,
    }),
    resyncInterval: new Gauge({
      name: 'ip_masq_agent_resync_interval_seconds',
      help: 'The resync interval in force, in seconds; 0 until a config was accepted.',
      registers,
    }),
    syncs: new Counter({
      name: 'ip_masq_agent_syncs_total',
      help: 'Reconciles that looked at the kernel, by result (applied, in_sync, failed) and by what triggered them.',
      labelNames: ['result', 'trigger'],
      registers,
    }),
    failures: new Counter({
      name: 'ip_masq_agent_sync_failures_total',
      help: 'Reconciles that failed, by error code.',
      labelNames: ['code'],
      registers,
    }),
    applyDuration: new Histogram({
      name: 'ip_masq_agent_apply_duration_seconds',
      help: 'How long reconciles took that wrote rules, reading back included, in seconds.',
      buckets: durationBuckets,
      registers,
    }),
    driftRepairs: new Counter({
      name: 'ip_masq_agent_drift_repairs_total',
      help: 'Times that somebody else had changed the rules and the agent put them right.',
      registers,
    }),
    foreignMasquerade: new Gauge({
      name: 'ip_masq_agent_foreign_masquerade_rules',
      help: 'Rules of other programs that masquerade connections which this agent keeps, as last looked at: after the start and after others changed their rules, every ten minutes at most. `ip-masq-agent status` shows them.',
      registers,
    }),
    flippedRanges: new Counter({
      name: 'ip_masq_agent_flipped_ranges_total',
      help: 'Ranges of sources by ranges of destinations that changes of the policy judged otherwise.',
      labelNames: ['family'],
      registers,
    }),
    leftoverRemovals: new Counter({
      name: 'ip_masq_agent_leftover_removals_total',
      help: 'Times that rules of another masquerade agent, or of this one under another backend, were found and removed.',
      registers,
    }),
    deletedConnections: new Counter({
      name: 'ip_masq_agent_connections_deleted_total',
      help: 'Connections deleted after a change of the config that judges them otherwise, as rejudgeConnections asks for.',
      registers,
    }),
    reloadSuccessful: new Gauge({
      name: 'ip_masq_agent_config_last_reload_successful',
      help: 'Whether the config was accepted when it was last read: 1 or 0.',
      registers,
    }),
    reloadSuccess: new Gauge({
      name: 'ip_masq_agent_config_last_reload_success_timestamp_seconds',
      help: 'When a config that differs from the one before was last accepted, in seconds since 1970; 0: never.',
      registers,
    }),
    configFallback: new Gauge({
      name: 'ip_masq_agent_config_fallback',
      help: 'Whether the defaults apply because the files that were the config have been deleted: 1 or 0.',
      registers,
    }),
    configHash: new Gauge({
      name: 'ip_masq_agent_config_hash',
      help: 'The first 48 bits of the hash of the last accepted config; equal for equal files and flags.',
      registers,
    }),
    names: new Gauge({
      name: 'ip_masq_agent_names',
      help: 'DNS names in the config: resolved; stale, whose last addresses stay while DNS does not answer; idle, without an address; pending, before the first answer.',
      labelNames: ['state'],
      registers,
    }),
    entries: new Gauge({
      name: 'ip_masq_agent_entries',
      help: 'CIDRs in the policy that the kernel holds, by list of the config and by family.',
      labelNames: ['list', 'family'],
      registers,
    }),
    idleOutputs: new Gauge({
      name: 'ip_masq_agent_idle_output_addresses',
      help: 'Entries of outputAddresses that change nothing, since the node has no such address, or several of a network.',
      registers,
    }),
  };
}

type DefinedMetrics = ReturnType<typeof defineMetrics>;
