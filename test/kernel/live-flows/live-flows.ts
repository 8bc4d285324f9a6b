import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import * as z from 'zod/mini';
import { forkInside } from '../harness/endpoint/endpoint.ts';
import type { Namespace } from '../harness/namespace.ts';

/** A connection that stays open. */
export interface LiveFlow {
  readonly protocol: 'udp' | 'tcp';
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly port: number;
}

const answerSchema = z.array(z.nullable(z.string()));

/** Answers whatever comes to these addresses with the address that it came from. */
export async function startMirror(namespace: Namespace, port: number, addresses: readonly string[]): Promise<void> {
  const child = forkInside(namespace, new URL('mirror.ts', import.meta.url), String(port), ...addresses);
  await once(child, 'message');
}

/** Connections from one namespace that are open until the test bed is closed. */
export class LiveFlows {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async open(namespace: Namespace, flows: readonly LiveFlow[]): Promise<LiveFlows> {
    const child = forkInside(namespace, new URL('client.ts', import.meta.url));
    await once(child, 'message');
    child.send(flows);
    await once(child, 'message');
    return new LiveFlows(child);
  }

  /** Sends once over each and gives the source address that the other side saw; null where no answer came. */
  async seen(): Promise<readonly (string | null)[]> {
    this.#child.send('send');
    const [message] = await once(this.#child, 'message');
    return answerSchema.parse(message);
  }
}
