import { existsSync } from 'node:fs';
import { AgentError } from '../../../src/errors.ts';
import { type Command, type Outcome, type Runner, systemRunner } from '../../../src/system/run.ts';

/** Every namespace of a test carries the id of the process that made it, so that a later run can tell what was left. */
const namePattern = /^masq-(\d+)-/;
let created = 0;

/** The rules of the largest clusters take the kernel minutes on a busy machine. */
const longestFeedMs = 600_000;

/** A network namespace (ip-netns(8)) of a test. */
export class Namespace {
  readonly name: string;
  /** What to put before a command line to run it inside; it executes the command, so that the process id stays. */
  readonly enter: readonly [tool: string, ...args: string[]];

  private constructor(name: string, environment: Readonly<Record<string, string>>) {
    this.name = name;
    const variables = Object.entries(environment).map(([key, value]) => `${key}=${value}`);
    // Not `ip netns exec`: that hides the control groups behind a /sys of its own.
    this.enter = ['nsenter', `--net=/run/netns/${name}`, 'env', ...variables];
  }

  /** Makes a namespace whose name is unique and ends in the role. Commands run inside get the environment. */
  static async create(role: string, environment: Readonly<Record<string, string>> = {}): Promise<Namespace> {
    const name = `masq-${process.pid}-${created++}-${role}`;
    await check({ tool: 'ip', args: ['netns', 'add', name] });
    return new Namespace(name, environment);
  }

  /** Runs a tool inside and gives its standard output; rejects with its standard error when it fails. */
  async run(tool: string, ...args: string[]): Promise<string> {
    const { stdout } = await check(this.inside(tool, args));
    return stdout;
  }

  /** Like `run`, with a text for the standard input. */
  async feed(input: string, tool: string, ...args: string[]): Promise<string> {
    const { stdout } = await check({ ...this.inside(tool, args), input, timeoutMs: longestFeedMs });
    return stdout;
  }

  inside(tool: string, args: readonly string[]): { tool: string; args: string[] } {
    const [enter, ...options] = this.enter;
    return { tool: enter, args: [...options, tool, ...args] };
  }

  /** Ends the processes inside and removes the namespace with its interfaces, routes and rules. */
  async delete(): Promise<void> {
    await deleteNamespace(this.name);
  }
}

/** Lets code of the agent that runs in this process work on the kernel of a namespace. */
export function namespaceRunner(namespace: Namespace, runner: Runner = systemRunner): Runner {
  return {
    async run({ tool, args, ...rest }) {
      const outcome = await runner.run({ ...namespace.inside(tool, args), ...rest });
      // env(1) is what looks the tool up here, and says so with these exit codes.
      if ((outcome.exitCode === 127 || outcome.exitCode === 126) && outcome.stderr.startsWith('env: ')) {
        throw new AgentError('TOOL_MISSING', `${tool} can't be run: ${outcome.stderr.trim()}`);
      }
      return outcome;
    },
  };
}

/** Removes the namespaces, and ends the processes in them, of test runs that were killed before they could. */
export async function removeStaleNamespaces(): Promise<void> {
  const { stdout } = await check({ tool: 'ip', args: ['netns', 'list'] });
  for (const line of stdout.split('\n')) {
    const [name = ''] = line.split(' ');
    const creator = namePattern.exec(name)?.[1];
    if (creator !== undefined && !existsSync(`/proc/${creator}`)) await deleteNamespace(name);
  }
}

async function deleteNamespace(name: string): Promise<void> {
  const { stdout } = await check({ tool: 'ip', args: ['netns', 'pids', name] });
  for (const pid of stdout.split('\n').filter(Boolean)) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It ended by itself in between.
    }
  }
  await check({ tool: 'ip', args: ['netns', 'delete', name] });
}

async function check(command: Command): Promise<Outcome> {
  const outcome = await systemRunner.run(command);
  if (outcome.exitCode === 0) return outcome;
  throw new Error(`${[command.tool, ...command.args].join(' ')}: exit code ${outcome.exitCode}\n${outcome.stderr}`);
}
