import { fileURLToPath } from 'node:url';
import { tool } from '../container/tool.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The executable as image and package hold it. */
export const executable = `${root}build/ip-masq-agent`;

/** Before the tests of a run: makes the executable. */
export default async function setup(): Promise<void> {
  await tool('sh', `${root}scripts/package-executable.sh`);
}
