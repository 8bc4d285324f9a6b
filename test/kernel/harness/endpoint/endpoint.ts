import { type ChildProcess, fork } from 'node:child_process';
import type { Namespace } from '../namespace.ts';
import { type Order, type Report, reportSchema } from './messages.ts';

const program = new URL('process.ts', import.meta.url);

/** A process in a namespace that makes connections on request and tells which ones arrived there. */
export class Endpoint {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Resolves when the endpoint listens. */
  static async start(namespace: Namespace, onReport: (report: Report) => void): Promise<Endpoint> {
    const child = forkInside(namespace, program);
    const ready = Promise.withResolvers<void>();
    child.on('message', (message) => {
      const report = reportSchema.parse(message);
      if (report.kind === 'ready') ready.resolve();
      else onReport(report);
    });
    child.on('exit', (code) => ready.reject(new Error(`the endpoint in ${namespace.name} ended with ${code}`)));
    await ready.promise;
    return new Endpoint(child);
  }

  /** What an endpoint that is gone is told is lost, as a packet would be. */
  send(order: Order): void {
    this.#child.send(order, () => undefined);
  }
}

/** Starts another program of the harness in a namespace, with a message channel to it. */
export function forkInside(namespace: Namespace, file: URL, ...args: string[]): ChildProcess {
  const { tool, args: execArgv } = namespace.inside(process.execPath, []);
  return fork(file, args, { execPath: tool, execArgv });
}
