import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** A program to be measured. */
export interface Subject {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

const packageFile = new URL('../package.json', import.meta.url);
const { config } = z
  .object({ config: z.object({ nodeOptions: z.string() }) })
  .parse(JSON.parse(readFileSync(packageFile, 'utf8')));

/** Options of Node and V8 that every way of starting the agent uses. */
export const nodeOptions = config.nodeOptions.split(' ').filter(Boolean);

/** The agent as it is shipped. */
export const ourAgent: Subject = {
  name: 'ip-masq-agent',
  command: [process.execPath, ...nodeOptions, fileURLToPath(new URL('../dist/ip-masq-agent.js', import.meta.url))],
};

/** Node of the same version that does nothing, for ever. */
export const idleNode: Subject = { name: 'bare Node', command: [process.execPath, '-e', 'setInterval(() => {}, 1e8)'] };

/** Node of the same version that starts and ends. */
export const bareNode: Subject = { name: 'bare Node', command: [process.execPath, '-e', '0'] };

/** Another agent, named by its command line. Words are separated by spaces; there are no quotes. */
export function subjectOf(commandLine: string): Subject {
  const [program, ...args] = commandLine.split(' ').filter(Boolean);
  if (program === undefined) throw new Error('--agent needs the path of a program');
  return { name: commandLine, command: [program, ...args] };
}
