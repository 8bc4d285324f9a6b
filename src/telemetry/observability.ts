import type { ReportEvent } from '../agent/events.ts';
import type { ConnectionCounts } from '../backends/nft/connection-counters.ts';
import { monotonicMs } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { effectiveConfigJson } from '../config/effective.ts';
import type { AgentState } from './agent-state.ts';
import type { ConnectionMetricsSources } from './connection-metrics.ts';
import { liveness, readiness } from './health.ts';
import { type Answer, type HttpServer, json, type Routes, startHttpServer, text } from './http-server.ts';
import type { Log } from './log.ts';
import { statusReport } from './status-report.ts';

export interface ObservabilityOptions {
  /** host:port; empty: off. Equal addresses share one server. */
  readonly metricsAddress: string;
  readonly healthAddress: string;
  readonly status: () => AgentState;
  /** Undefined where the backend does not count. */
  readonly readConnections: (() => Promise<ConnectionCounts>) | undefined;
  readonly liveConnections?: ConnectionMetricsSources | undefined;
  readonly log: Log;
}

/** What is answered where: host:port and paths. */
interface Site {
  readonly address: string;
  readonly paths: readonly string[];
}

/** The HTTP side of an agent. */
export interface Observability {
  /** Takes the events of the agent, from its start. */
  readonly report: ReportEvent;
  readonly servers: readonly Site[];
  stop(): Promise<void>;
}

/** Starts what is switched on. Throws LISTEN_FAILED, with nothing left running. */
export async function startObservability(options: ObservabilityOptions): Promise<Observability> {
  const { metricsAddress, healthAddress, log } = options;
  const metrics = metricsAddress === '' ? undefined : await loadMetrics(options);
  const sites = new Map<string, Routes>();
  if (healthAddress !== '') sites.set(healthAddress, healthRoutes(options.status));
  if (metrics) sites.set(metricsAddress, new Map([...(sites.get(metricsAddress) ?? []), ...metrics.routes]));

  const onError = (cause: unknown): void => log.warn(`HTTP: ${messageOf(cause)}`);
  const running: HttpServer[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((server) => server.stop()));
  };
  const servers: Site[] = [];
  try {
    for (const [address, routes] of sites) {
      const server = await startHttpServer(address, routes, onError);
      running.push(server);
      servers.push({ address: server.address, paths: [...routes.keys()] });
    }
  } catch (cause) {
    await stop();
    throw cause;
  }
  return { report: (event) => metrics?.report(event), servers, stop };
}

/** prom-client takes memory that an agent without metrics need not have. */
async function loadMetrics({ readConnections, liveConnections, log }: ObservabilityOptions) {
  const { createMetrics } = await import('./metrics.ts');
  const onReadFailure = (cause: unknown): void =>
    log.debug(`connection counters could not be read: ${messageOf(cause)}`);
  const metrics = createMetrics({ readConnections, liveConnections, onReadFailure });
  const routes: Routes = new Map([
    [
      '/metrics',
      async () => ({ status: 200, contentType: metrics.contentType, body: Buffer.from(await metrics.text()) }),
    ],
  ]);
  return { report: metrics.report, routes };
}

function healthRoutes(status: () => AgentState): Routes {
  const configAnswer = createConfigAnswer();
  const health = ({ ok, reason }: { ok: boolean; reason: string }): Answer => text(ok ? 200 : 503, reason);
  return new Map([
    ['/healthz', () => health(liveness(status(), monotonicMs()))],
    ['/readyz', () => health(readiness(status()))],
    ['/configz', () => configAnswer(status())],
    ['/statusz', () => json(statusReport(status()))],
  ]);
}

/** The effective config, put into text once for as long as it stays the same: it may have 100,000 CIDRs. */
function createConfigAnswer(): (status: AgentState) => Answer {
  let last: { readonly config: Config; readonly answer: Answer } | undefined;
  return ({ config: accepted }) => {
    if (!accepted) return text(503, 'no config was accepted yet');
    const { config } = accepted.reading;
    if (last?.config !== config) last = { config, answer: json(effectiveConfigJson(config)) };
    return last.answer;
  };
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
