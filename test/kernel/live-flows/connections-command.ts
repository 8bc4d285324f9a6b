import * as z from 'zod/mini';
import { AgentProcess } from '../harness/agent-process.ts';
import type { TestBed } from '../harness/test-bed.ts';

const treatment = z.object({ verdict: z.enum(['masquerade', 'keep']), address: z.nullable(z.string()) });
const count = z.number();

/** The JSON of `connections`, field by field: a contract. */
const reportSchema = z.strictObject({
  total: count,
  masqueraded: count,
  kept: count,
  others: count,
  otherwise: z.strictObject({
    count,
    top: z.array(
      z.strictObject({
        protocol: z.string(),
        source: z.string(),
        destination: z.string(),
        port: z.nullable(z.number()),
        is: treatment,
        should: treatment,
        count,
      }),
    ),
  }),
  ports: z.array(
    z.strictObject({
      protocol: z.string(),
      destination: z.string(),
      port: z.number(),
      address: z.string(),
      used: count,
      available: count,
      share: z.number(),
    }),
  ),
  deleted: count,
});

/** Tells, at the end, how much memory the process had at most, in KiB. */
const tellMemory = 'process.on("exit",()=>console.error("maxrss="+process.resourceUsage().maxRSS))';
const nodeOptions = `--no-warnings --import=data:text/javascript,${encodeURIComponent(tellMemory)}`;

/** What `connections --output json` says on the node of a test bed. */
export async function connectionsOn(bed: TestBed, ...flags: string[]) {
  const args = ['connections', '--config', bed.config.directory, '--output', 'json', ...flags];
  const command = new AgentProcess(bed.node, args, { NODE_OPTIONS: nodeOptions });
  const { code } = await command.exited;
  const textOf = (stream: 'stdout' | 'stderr'): string =>
    command.lines.flatMap((line) => (line.stream === stream ? [`${line.text}\n`] : [])).join('');
  const [stdout, stderr] = [textOf('stdout'), textOf('stderr')];
  const maxRss = Number(/^maxrss=(\d+)$/m.exec(stderr)?.[1]);
  return { code, stderr, maxRss, report: stdout === '' ? undefined : reportSchema.parse(JSON.parse(stdout)) };
}
