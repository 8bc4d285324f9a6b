import type { IncomingMessage } from 'node:http';
import * as z from 'zod/mini';
import { formatProblem } from '../config/problems.ts';
import { largestShare } from '../connections/ports.ts';
import { urlOf } from '../net/listen-address.ts';
import { entryCounts } from '../policy/policy.ts';
import { messageOf } from '../text.ts';
import type { AgentState, Instant } from './agent-state.ts';
import { readiness } from './health.ts';

const time = z.nullable(z.iso.datetime());

/** What `status` asks a running agent for. Times are ISO 8601 in UTC; what is not known is null. */
const agentReport = z.object({
  version: z.nullable(z.string()),
  pid: z.number(),
  startedAt: time,
  backend: z.nullable(z.enum(['nft', 'iptables-nft', 'iptables-legacy'])),
  backendReason: z.nullable(z.string()),
  /** What /readyz answers. */
  ready: z.boolean(),
  reason: z.string(),
  config: z.object({
    path: z.nullable(z.string()),
    /** Of the last good config, like `digest` and `acceptedAt`. */
    files: z.readonly(z.array(z.string())),
    digest: z.nullable(z.string()),
    acceptedAt: time,
    /** Of the config on disk, where it is bad. */
    rejectedAt: time,
    problems: z.readonly(z.array(z.string())),
    /** The files that were the config until they were deleted, so that the defaults apply. */
    fallback: z.nullable(z.object({ lostFiles: z.readonly(z.array(z.string())), since: time })),
  }),
  entries: z.readonly(z.array(z.object({ list: z.string(), family: z.enum(['ipv4', 'ipv6']), count: z.number() }))),
  /** When the kernel was last found or brought in sync. */
  lastSyncAt: time,
  /** When rules were last written. */
  lastApplyAt: time,
  driftRepairs: z.number(),
  lastDriftRepairAt: time,
  /** Another agent of this kind whose rules turned up among this one's. */
  anotherAgent: z.nullable(
    z.object({ sign: z.string(), changedBy: z.nullable(z.string()), since: time, lastAt: time }),
  ),
  /** The live connections as they were last sampled. */
  connections: z.nullable(
    z.object({
      masqueraded: z.number(),
      kept: z.number(),
      otherwise: z.number(),
      /** The largest share of source ports in use towards one destination, 0 to 1. */
      portShare: z.number(),
      sampledAt: time,
    }),
  ),
  failure: z.nullable(z.object({ code: z.string(), message: z.string(), count: z.number(), since: time })),
  /** Addresses that HTTP should be served on and can't be had. */
  listenFailures: z.readonly(z.array(z.object({ address: z.string(), reason: z.string(), since: time }))),
});

export type AgentReport = z.infer<typeof agentReport>;

/** The path that a running agent gives its report under: `status` asks for it, and nobody else need. */
export const reportPath = '/agentz';
/** The path of the effective config. */
export const configPath = '/configz';

/** The most problems that a report lists, so that it stays below the size that is read of one. */
const reportedProblems = 20;

/** The report of an agent that has come to this state. */
export function agentReportOf(state: AgentState): AgentReport {
  const { agent, config, rejection, fallback, policy, anotherAgent, connections, failure } = state;
  const { ok, reason } = readiness(state);
  return {
    version: agent?.version ?? null,
    pid: process.pid,
    startedAt: timeOf(state.startedAt),
    backend: agent?.backend ?? null,
    backendReason: agent?.reason ?? null,
    ready: ok,
    reason,
    config: {
      path: agent?.configPath ?? null,
      files: config?.reading.files ?? [],
      digest: config?.reading.digest ?? null,
      acceptedAt: timeOf(config?.at),
      rejectedAt: timeOf(rejection?.at),
      problems: (rejection?.reading.problems ?? []).slice(0, reportedProblems).map(formatProblem),
      fallback: fallback ? { lostFiles: fallback.lostFiles, since: timeOf(fallback.at) } : null,
    },
    entries: policy ? entryCounts(policy) : [],
    lastSyncAt: timeOf(state.lastSyncAt),
    lastApplyAt: timeOf(state.lastApplyAt),
    driftRepairs: state.driftRepairs,
    lastDriftRepairAt: timeOf(state.lastDriftRepairAt),
    anotherAgent: anotherAgent
      ? {
          sign: anotherAgent.sign,
          changedBy: anotherAgent.changedBy ?? null,
          since: timeOf(anotherAgent.since),
          lastAt: timeOf(anotherAgent.lastAt),
        }
      : null,
    connections: connections
      ? {
          masqueraded: connections.report.masqueraded,
          kept: connections.report.kept,
          otherwise: connections.report.otherwise.count,
          portShare: largestShare(connections.report),
          sampledAt: timeOf(connections.at),
        }
      : null,
    failure: failure
      ? { code: failure.error.code, message: failure.error.message, count: failure.count, since: timeOf(failure.since) }
      : null,
    listenFailures: state.listenFailures.map((failed) => ({ ...failed, since: timeOf(failed.since) })),
  };
}

function timeOf(instant: Instant | undefined): string | null {
  return instant ? new Date(instant.wallClock).toISOString() : null;
}

/** Longer than any agent that is well needs to answer. */
const timeoutMs = 2_000;
const longestReport = 64 * 1024;
/** Twice what a config may be on disk: JSON lays it out. A policy of 100,000 CIDRs does not fit into a report. */
export const longestConfig = 16 * 1024 * 1024;

/** Asks the agent that listens there, host:port, for its report. The text says why there is none. */
export async function askForReport(address: string): Promise<AgentReport | string> {
  try {
    const reading = agentReport.safeParse(JSON.parse(await fetchText(address, reportPath, longestReport)));
    return reading.success ? reading.data : 'the answer is not that of an ip-masq-agent';
  } catch (cause) {
    return cause instanceof SyntaxError ? 'the answer is not that of an ip-masq-agent' : messageOf(cause);
  }
}

/** Asks the agent that listens there, host:port, for its effective config. Undefined where it gives none. */
export async function askForConfig(address: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(await fetchText(address, configPath, longestConfig)));
  } catch {
    return undefined;
  }
}

/** What a path answers. Throws where that is not a 200, takes more than 2 s, or is longer than so many bytes. */
export async function fetchText(address: string, path: string, maxBytes: number): Promise<string> {
  // Of connection, head and body together: an answer that trickles must not hold its reader.
  const signal = AbortSignal.timeout(timeoutMs);
  const answer = await request(urlOf(address, path), signal);
  try {
    if (answer.statusCode !== 200) throw new Error(`HTTP status ${answer.statusCode}`);
    const pieces: Buffer[] = [];
    let length = 0;
    for await (const piece of answer) {
      const bytes = Buffer.from(piece);
      length += bytes.length;
      if (length > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`);
      pieces.push(bytes);
    }
    // Both end the body without an error.
    signal.throwIfAborted();
    if (!answer.complete) throw new Error('the answer broke off');
    return Buffer.concat(pieces).toString();
  } catch (cause) {
    throw signal.aborted ? new Error(`no whole answer within ${timeoutMs} ms`) : cause;
  } finally {
    answer.destroy();
  }
}

/** Not fetch(), which refuses some ports. Loaded only here, since an agent that only runs has no use for it. */
async function request(url: string, signal: AbortSignal): Promise<IncomingMessage> {
  const { get } = await import('node:http');
  return new Promise((resolve, reject) => {
    get(url, { signal, agent: false }, resolve).on('error', (cause) =>
      reject(signal.aborted ? new Error(`no answer within ${timeoutMs} ms`) : cause),
    );
  });
}
