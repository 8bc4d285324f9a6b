import { Counter, Gauge, type Registry } from 'prom-client';
import { monotonicMs } from '../clock.ts';
import type { ConnectionReport } from '../connections/census.ts';
import { largestShare } from '../connections/ports.ts';
import type { TableStatistics } from '../connections/statistics.ts';

/** What was sampled last, and when, on the clock of monotonicMs(). */
interface Sample {
  readonly report: ConnectionReport;
  readonly at: number;
}

/** Where the metrics of connections and source ports come from. */
export interface ConnectionMetricsSources {
  /** The last sample; undefined before the first, and where there is none. */
  readonly sample: () => Sample | undefined;
  /** Reads what the kernel says of its table, with each scrape. */
  readonly readStatistics: () => Promise<TableStatistics>;
}

/** Registers them. What is not known is absent from a scrape, not zero. */
export function registerConnectionMetrics(
  registry: Registry,
  { sample, readStatistics }: ConnectionMetricsSources,
): void {
  const registers = [registry];
  const sampled = (name: string, help: string, read: (sample: Sample) => number | undefined): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.remove();
        const last = sample();
        const value = last && read(last);
        if (value !== undefined) this.set(value);
      },
    });
  };
  sampled(
    'ip_masq_agent_connections_otherwise',
    'Live connections that the policy in force judges otherwise than they were treated, when last sampled.',
    ({ report }) => report.otherwise.count,
  );
  sampled(
    'ip_masq_agent_source_ports_share_max',
    'Largest share of source ports in use of those there are for one destination and address, 0 to 1, when last sampled.',
    ({ report }) => largestShare(report),
  );
  sampled(
    'ip_masq_agent_connections_sample_age_seconds',
    'Time since connections were last sampled, in seconds.',
    ({ at }) => (monotonicMs() - at) / 1000,
  );
  registerTable(registry, readStatistics);
}

function registerTable(registry: Registry, readStatistics: ConnectionMetricsSources['readStatistics']): void {
  const registers = [registry];
  const fromKernel = (key: keyof TableStatistics, name: string, help: string): void => {
    const Metric = name.endsWith('_total') ? Counter : Gauge;
    new Metric({
      name,
      help,
      registers,
      async collect() {
        const value = (await readStatistics())[key];
        this.remove();
        if (value !== undefined) this.inc(value);
      },
    });
  };
  fromKernel('entries', 'ip_masq_agent_conntrack_entries', 'Connections in the table of the kernel.');
  fromKernel('limit', 'ip_masq_agent_conntrack_limit', 'Most connections that the table of the kernel takes.');
  fromKernel(
    'insertFailed',
    'ip_masq_agent_conntrack_insert_failed_total',
    'Connections that could not be entered into the table since boot: no source port was free, or another packet was faster.',
  );
  fromKernel(
    'drop',
    'ip_masq_agent_conntrack_drop_total',
    'Packets dropped by connection tracking since boot: connections that could not be entered, a full table, no memory.',
  );
}
