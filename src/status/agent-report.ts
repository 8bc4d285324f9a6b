import type { IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import * as z from 'zod/mini';
import { urlOf } from '../net/listen-address.ts';

const time = z.nullable(z.iso.datetime());

/** What /statusz tells of a running agent. Times are ISO 8601 in UTC; what is not known is null. */
export const agentReport = z.object({
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
  }),
  entries: z.readonly(z.array(z.object({ list: z.string(), family: z.enum(['ipv4', 'ipv6']), count: z.number() }))),
  /** When the kernel was last found or brought in sync. */
  lastSyncAt: time,
  /** When rules were last written. */
  lastApplyAt: time,
  driftRepairs: z.number(),
  lastDriftRepairAt: time,
  failure: z.nullable(z.object({ code: z.string(), message: z.string(), count: z.number(), since: time })),
});

export type AgentReport = z.infer<typeof agentReport>;

/** Longer than any agent that is well needs to answer. */
const timeoutMs = 2_000;

/** Asks the agent that listens there, host:port. The text says why there is no report. */
export async function askAgent(address: string): Promise<AgentReport | string> {
  try {
    const answer = await request(urlOf(address, '/statusz'));
    if (answer.statusCode !== 200) return `HTTP status ${answer.statusCode}`;
    const reading = agentReport.safeParse(await json(answer));
    return reading.success ? reading.data : 'the answer is not that of an ip-masq-agent';
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
}

/** Not fetch(), which refuses some ports. Loaded only here, since an agent that only runs has no use for it. */
async function request(url: string): Promise<IncomingMessage> {
  const { get } = await import('node:http');
  return new Promise((resolve, reject) => {
    get(url, { signal: AbortSignal.timeout(timeoutMs) }, resolve).on('error', reject);
  });
}
