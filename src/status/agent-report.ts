import type { IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { z } from 'zod';
import { urlOf } from '../net/listen-address.ts';

const time = z.iso.datetime().nullable();

/** What /statusz tells of a running agent. Times are ISO 8601 in UTC; what is not known is null. */
export const agentReport = z.object({
  version: z.string().nullable(),
  pid: z.number(),
  startedAt: time,
  backend: z.enum(['nft', 'iptables-nft', 'iptables-legacy']).nullable(),
  backendReason: z.string().nullable(),
  /** What /readyz answers. */
  ready: z.boolean(),
  reason: z.string(),
  config: z.object({
    path: z.string().nullable(),
    /** Of the last good config, like `digest` and `acceptedAt`. */
    files: z.array(z.string()).readonly(),
    digest: z.string().nullable(),
    acceptedAt: time,
    /** Of the config on disk, where it is bad. */
    rejectedAt: time,
    problems: z.array(z.string()).readonly(),
  }),
  entries: z.array(z.object({ list: z.string(), family: z.enum(['ipv4', 'ipv6']), count: z.number() })).readonly(),
  /** When the kernel was last found or brought in sync. */
  lastSyncAt: time,
  /** When rules were last written. */
  lastApplyAt: time,
  driftRepairs: z.number(),
  lastDriftRepairAt: time,
  failure: z.object({ code: z.string(), message: z.string(), count: z.number(), since: time }).nullable(),
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
