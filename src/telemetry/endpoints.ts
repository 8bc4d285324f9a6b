import { setTimeout as sleep } from 'node:timers/promises';
import type { ReportEvent } from '../agent/events.ts';
import { backoffDelayMs } from '../agent/schedule.ts';
import type { ConnectionCounts } from '../backends/nft/counters.ts';
import { monotonicMs } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { effectiveConfigJson } from '../config/config.ts';
import { isLoopback } from '../net/listen-address.ts';
import { messageOf } from '../text.ts';
import { namesPath, namesReportOf } from './agent-names.ts';
import { agentReportOf, configPath, reportPath } from './agent-report.ts';
import type { AgentState, Observer } from './agent-state.ts';
import { formatHealth, type Health, liveness, readiness } from './health.ts';
import { type Answer, type HttpServer, json, type Routes, startHttpServer, text } from './http-server.ts';
import type { Log } from './log.ts';
import { flagzText, statuszText } from './zpages.ts';

export interface EndpointOptions {
  /** host:port; empty: off. Equal addresses share one server. */
  readonly metricsAddress: string;
  readonly healthAddress: string;
  readonly state: () => AgentState;
  /** Every flag that is in force, for /flagz. */
  readonly flags: ReadonlyMap<string, string>;
  /** Undefined where the backend does not count. */
  readonly readConnections: (() => Promise<ConnectionCounts>) | undefined;
  /** How many descriptors clients may hold, all servers together. */
  readonly spareDescriptors: number;
  readonly log: Log;
  /** Hears what is served, and what can't be. */
  readonly report: ReportEvent;
}

/** The HTTP side of an agent. */
export interface Endpoints {
  readonly observe: Observer;
  /** Begins to serve, and tries again where an address can't be had. Returns at once and never fails. */
  start(): void;
  /** Ends at once, open connections included. */
  stop(): Promise<void>;
}

/** Far more connections than a scraper and some probes make; an idle one takes a few kilobytes. */
const mostPlaces = 1024;
/** The longest wait before an address that can't be had is tried again. */
const slowestRetryMs = 60_000;

/** What is switched on, not yet served. */
export async function createEndpoints(options: EndpointOptions): Promise<Endpoints> {
  const { metricsAddress, healthAddress, spareDescriptors, log, report } = options;
  const metrics = metricsAddress === '' ? undefined : await loadMetrics(options);
  const sites = new Map<string, Map<string, Route>>();
  if (healthAddress !== '') sites.set(healthAddress, healthRoutes(options));
  if (metrics) sites.set(metricsAddress, new Map([...(sites.get(metricsAddress) ?? []), ['/metrics', metrics.route]]));

  const stopping = new AbortController();
  const places = Math.max(1, Math.min(mostPlaces, Math.floor(spareDescriptors / Math.max(1, sites.size))));
  const onError = (cause: unknown): void => log.warn(`HTTP: ${messageOf(cause)}`);
  let running: Promise<HttpServer | undefined>[] = [];
  return {
    observe: (...args) => metrics?.observe(...args),
    start() {
      if (healthAddress !== '' && healthAddress === metricsAddress && !isLoopback(healthAddress)) {
        log.warn(
          'health checks and metrics share an address that others can reach: busy clients of the metrics can keep the kubelet from the health',
          { address: healthAddress },
        );
      }
      const serve = (address: string, routes: Routes) =>
        keepTrying(
          async () => {
            const server = await startHttpServer(address, routes, { places, onError });
            report({ type: 'serving', address, bound: server.address, paths: [...routes.keys()] });
            return server;
          },
          (reason, retryInMs) => report({ type: 'listen-failed', address, reason, retryInMs }),
          stopping.signal,
        );
      running = [...sites].map(([address, routes]) => serve(address, routes));
    },
    async stop() {
      stopping.abort();
      await Promise.all(running.map(async (server) => (await server)?.stop()));
    },
  };
}

/** Tries until it works or is stopped. */
async function keepTrying<T>(
  attempt: () => Promise<T>,
  onFailure: (reason: string, retryInMs: number) => void,
  stop: AbortSignal,
): Promise<T | undefined> {
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (cause) {
      const retryInMs = backoffDelayMs(failures, slowestRetryMs);
      onFailure(messageOf(cause), retryInMs);
      await sleep(retryInMs, undefined, { signal: stop, ref: false }).catch(() => undefined);
    }
    if (stop.aborted) return undefined;
  }
}

type Route = Routes extends ReadonlyMap<string, infer R> ? R : never;

/** prom-client takes memory that an agent without metrics need not have. */
async function loadMetrics({ readConnections, state, log }: EndpointOptions) {
  const [{ createMetrics }, { readTableStatistics }] = await Promise.all([
    import('./metrics.ts'),
    import('../connections/statistics.ts'),
  ]);
  const sample = () => {
    const { connections } = state();
    return connections && { report: connections.report, at: connections.at.monotonic };
  };
  const onReadFailure = (cause: unknown): void =>
    log.debug(`connection counters could not be read: ${messageOf(cause)}`);
  const metrics = createMetrics({
    readConnections,
    liveConnections: { sample, readStatistics: readTableStatistics },
    onReadFailure,
  });
  const route: Route = sharing(async () => ({
    status: 200,
    contentType: metrics.contentType,
    body: Buffer.from(await metrics.text()),
  }));
  return { observe: metrics.observe, route };
}

/** Does one thing at a time, and gives what it came to to all who ask meanwhile. */
function sharing<T>(run: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => {
    running ??= run().finally(() => {
      running = undefined;
    });
    return running;
  };
}

function healthRoutes({ state, flags }: EndpointOptions): Map<string, Route> {
  const live = (): Health => liveness(state(), monotonicMs());
  const configAnswer = createConfigAnswer();
  const routes: Map<string, Route> = new Map([
    ['/livez', healthRoute('livez', live)],
    ['/readyz', healthRoute('readyz', () => readiness(state()))],
    // What the components of Kubernetes had before they told alive and ready apart: the same as /livez.
    ['/healthz', healthRoute('healthz', live)],
    ['/statusz', () => text(200, statuszText(state(), [...routes.keys()], Date.now()))],
    ['/flagz', () => text(200, flagzText(flags))],
    [configPath, () => configAnswer(state())],
    [reportPath, () => json(agentReportOf(state()))],
    [namesPath, () => json(namesReportOf(state().names))],
  ]);
  return routes;
}

function healthRoute(name: string, check: () => Health): Route {
  return (query) => {
    const health = check();
    return text(health.ok ? 200 : 503, query.has('verbose') ? formatHealth(name, health) : health.reason);
  };
}

/** The effective config, put into text once for as long as it stays the same: it may have 100,000 CIDRs. */
function createConfigAnswer(): (state: AgentState) => Answer {
  let last: { readonly config: Config; readonly answer: Answer } | undefined;
  return ({ config: accepted }) => {
    if (!accepted) return text(503, 'no config was accepted yet');
    const { config } = accepted.reading;
    if (last?.config !== config) last = { config, answer: json(effectiveConfigJson(config)) };
    return last.answer;
  };
}
