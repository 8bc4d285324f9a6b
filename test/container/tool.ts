import { systemRunner } from '../../src/system/run.ts';

/** Long enough for a machine that is busy and a mirror that is slow. */
const timeoutMs = 15 * 60_000;

/** Runs a tool and gives its standard output; rejects with all that it printed when it fails. */
export async function tool(name: string, ...args: string[]): Promise<string> {
  return feedTool('', name, ...args);
}

/** Like `tool`, with a text for the standard input. */
export async function feedTool(input: string, name: string, ...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await systemRunner.run({ tool: name, args, input, timeoutMs });
  if (exitCode === 0) return stdout;
  throw new Error(`${[name, ...args].join(' ')}: exit code ${exitCode}\n${stdout}\n${stderr}`);
}
