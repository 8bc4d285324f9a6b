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

/** What `connections --output json` says on the node of a test bed. */
export async function connectionsOn(bed: TestBed, ...flags: string[]) {
  const args = ['connections', '--config', bed.config.directory, '--output', 'json', ...flags];
  const command = new AgentProcess(bed.node, args, { NODE_OPTIONS: '--experimental-ffi --no-warnings' });
  const { code } = await command.exited;
  const textOf = (stream: 'stdout' | 'stderr'): string =>
    command.lines.flatMap((line) => (line.stream === stream ? [`${line.text}\n`] : [])).join('');
  const stdout = textOf('stdout');
  return { code, stderr: textOf('stderr'), report: stdout === '' ? undefined : reportSchema.parse(JSON.parse(stdout)) };
}
