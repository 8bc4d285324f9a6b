import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Seconds. From a small policy on an idle node to 100,000 CIDRs on a busy one. */
const durationBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Registers the metrics that are made from events, and gives them. docs/operations.md says what to do about each. */
export function defineMetrics(registry: Registry) {
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
      help: 'Passes that looked at the kernel, by result (applied, in_sync, failed) and by what triggered them.',
      labelNames: ['result', 'trigger'],
      registers,
    }),
    failures: new Counter({
      name: 'ip_masq_agent_sync_failures_total',
      help: 'Passes that failed, by error code.',
      labelNames: ['code'],
      registers,
    }),
    applyDuration: new Histogram({
      name: 'ip_masq_agent_apply_duration_seconds',
      help: 'How long passes took that wrote rules, reading back included, in seconds.',
      buckets: durationBuckets,
      registers,
    }),
    driftRepairs: new Counter({
      name: 'ip_masq_agent_drift_repairs_total',
      help: 'Times that somebody else had changed the rules and the agent put them right.',
      registers,
    }),
    leftoverRemovals: new Counter({
      name: 'ip_masq_agent_leftover_removals_total',
      help: 'Times that rules of another masquerade agent, or of this one under another backend, were found and removed.',
      registers,
    }),
    foreignMasquerade: new Gauge({
      name: 'ip_masq_agent_foreign_masquerade_rules',
      help: 'Rules of other programs that masquerade connections which this agent keeps, as last looked at: after the start and after others changed their rules, every ten minutes at most. `ip-masq-agent status` shows them.',
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
    configHash: new Gauge({
      name: 'ip_masq_agent_config_hash',
      help: 'The first 48 bits of the hash of the last accepted config; equal for equal files and flags.',
      registers,
    }),
    entries: new Gauge({
      name: 'ip_masq_agent_entries',
      help: 'CIDRs in the policy that the kernel holds, by list of the config and by family.',
      labelNames: ['list', 'family'],
      registers,
    }),
  };
}

export type DefinedMetrics = ReturnType<typeof defineMetrics>;
