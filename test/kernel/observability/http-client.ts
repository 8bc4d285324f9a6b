import { z } from 'zod';
import type { Namespace } from '../harness/namespace.ts';

/** Runs in the namespace, so it can use nothing but what Node brings. */
const script = `
  const answer = await fetch(process.argv[1], { signal: AbortSignal.timeout(10_000) });
  console.log(JSON.stringify({ status: answer.status, body: await answer.text() }));
`;

const answer = z.object({ status: z.number(), body: z.string() });

/** What a GET from inside the namespace is answered. Rejects where nothing answers. */
export async function get(namespace: Namespace, url: string): Promise<z.infer<typeof answer>> {
  const output = await namespace.run(process.execPath, '--input-type=module', '--eval', script, url);
  return answer.parse(JSON.parse(output));
}

/** The samples of a /metrics page, by name and labels. */
export async function scrape(namespace: Namespace, url: string): Promise<ReadonlyMap<string, number>> {
  const { body } = await get(namespace, url);
  const lines = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}
