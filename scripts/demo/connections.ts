import { z } from 'zod';
import { bundle } from '../../test/kernel/harness/agent-process.ts';
import type { Flow, TestBed } from '../../test/kernel/harness/test-bed.ts';

/** What a connection should meet: the demo fails where the kernel, or `explain`, is of another opinion. */
export interface Expectation extends Flow {
  readonly expected: 'keep' | 'masquerade';
}

/** What a connection met. */
export interface Observation extends Expectation {
  /** The source address that the destination saw. */
  readonly seen: string;
  /** Why, in the words of `ip-masq-agent explain`. */
  readonly reason: string;
}

const protocols = ['udp', 'tcp', 'icmp'] as const;

const explanationSchema = z.object({
  verdict: z.enum(['keep', 'masquerade']),
  reason: z.string(),
  entry: z.string().nullable(),
  source: z.string(),
});

/** Makes each connection with UDP, TCP and ICMP and has it explained. Throws where anything differs from what is expected. */
export async function tryConnections(bed: TestBed, flags: readonly string[], connections: readonly Expectation[]) {
  const observations: Observation[] = [];
  for (const connection of connections) {
    const seen = await tryConnection(bed, connection);
    observations.push({ ...connection, seen, reason: await explain(bed, flags, connection) });
  }
  return observations;
}

async function tryConnection(bed: TestBed, connection: Expectation): Promise<string> {
  const { source, destination, expected } = connection;
  const verdicts = await bed.probe(protocols.map((protocol) => ({ ...connection, protocol })));
  let seen = '';
  for (const [index, verdict] of verdicts.entries()) {
    const what = `${protocols[index]} from ${source} to ${destination}`;
    if (verdict.verdict === 'lost') throw new Error(`${what} did not arrive: ${verdict.reason}`);
    if (verdict.verdict !== expected) {
      throw new Error(`${what} came from ${verdict.address}: ${verdict.verdict}, where ${expected} is right`);
    }
    seen = verdict.address;
  }
  return seen;
}

async function explain(bed: TestBed, flags: readonly string[], { source, destination, expected }: Expectation) {
  const [address = ''] = destination.split('%');
  const configFlags = ['--config', bed.config.directory, ...flags];
  const output = await bed.node.run(
    process.execPath,
    ...[bundle, 'explain', '--src', source, '--dst', address, '--output', 'json', ...configFlags],
  );
  const { verdict, reason, entry, source: where } = explanationSchema.parse(JSON.parse(output));
  if (verdict !== expected) {
    throw new Error(`explain says ${verdict} for ${source} to ${destination}, where ${expected} is right: ${reason}`);
  }
  const place = where.replace(/^.*:(?=\d+$)/, 'line ');
  return entry === null ? reason : `${reason}: ${entry}, ${place}`;
}
