import { Census } from '../../src/connections/census.ts';
import type { ConnectionMetricsSources } from '../../src/telemetry/connection-metrics.ts';

/** A sample of no connections, on a node whose kernel tells all that it can. */
export const aSampleOfConnections: ConnectionMetricsSources = {
  sample: () => ({ report: new Census({ toPorts: [], portBudget: undefined }).report(), at: 0 }),
  readStatistics: () => Promise.resolve({ entries: 6, limit: 262_144, insertFailed: 136, drop: 138 }),
};
