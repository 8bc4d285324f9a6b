import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Namespace } from './namespace.ts';

/** The agent as it is shipped; vitest's global set-up and the demo build it. */
export const bundle = fileURLToPath(new URL('../../../dist/ip-masq-agent.js', import.meta.url));

/** The options of Node that the image and the Debian package run the agent with. */
export const nodeOptions: readonly string[] = z
  .object({ config: z.object({ nodeOptions: z.string() }) })
  .parse(JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')))
  .config.nodeOptions.split(' ');

/** One line that the agent printed, and where. */
export interface LogLine {
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

/** How the agent ended: one of the two is null. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A real agent, running in a namespace. */
export class AgentProcess {
  /** Everything printed so far. */
  readonly lines: LogLine[] = [];
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #listeners = new Set<(line: LogLine) => void>();

  /** Starts it with these command line arguments, variables of the environment besides those of the namespace, and Node's options. */
  constructor(
    namespace: Pick<Namespace, 'inside'>,
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
    options: readonly string[] = nodeOptions,
  ) {
    const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    const { tool, args: line } = namespace.inside('env', [...variables, process.execPath, ...options, bundle, ...args]);
    const child = spawn(tool, line, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    this.#collect('stdout', child.stdout);
    this.#collect('stderr', child.stderr);
    this.exited = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the agent could not be started');
    return this.#child.pid;
  }

  /** Everything printed so far, as one text. */
  get output(): string {
    return this.lines.map(({ text }) => `${text}\n`).join('');
  }

  /**
   * Waits for a line that the agent has printed or will print; `from` skips as many lines (`lines.length` for new ones
   * only). Rejects, with all output, when the agent ends or the time is over before.
   */
  async waitFor(pattern: RegExp, { from = 0, timeoutMs = 20_000 } = {}): Promise<LogLine> {
    const printed = this.lines.slice(from).find(({ text }) => pattern.test(text));
    if (printed) return printed;
    const { promise, resolve, reject } = Promise.withResolvers<LogLine>();
    const fail = (why: string) => reject(new Error(`no line like ${pattern} ${why}. The output:\n${this.output}`));
    const timer = setTimeout(() => fail(`within ${timeoutMs} ms`), timeoutMs);
    const listener = (line: LogLine) => pattern.test(line.text) && resolve(line);
    this.#listeners.add(listener);
    void this.exited.then(() => fail('before the agent ended'));
    return promise.finally(() => {
      clearTimeout(timer);
      this.#listeners.delete(listener);
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Asks the agent to end, as Kubernetes does, and gives how it ended. */
  async stop(): Promise<Exit> {
    this.signal('SIGTERM');
    return this.exited;
  }

  #collect(stream: LogLine['stream'], readable: Readable): void {
    createInterface({ input: readable }).on('line', (text) => {
      const line = { stream, text };
      this.lines.push(line);
      for (const listener of this.#listeners) listener(line);
    });
  }
}
