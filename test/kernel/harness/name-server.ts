import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { StaticZone } from '../../dns/static-zone.ts';
import { forkInside } from './endpoint/endpoint.ts';
import type { Namespace } from './namespace.ts';

const program = new URL('../../dns/name-server-process.ts', import.meta.url);

/** A DNS server in a namespace, on port 53. It ends with the namespace. */
export class NameServer {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(namespace: Namespace, address: string): Promise<NameServer> {
    const child = forkInside(namespace, program, address, '53');
    await once(child, 'message');
    return new NameServer(child);
  }

  /** From now on the server knows these names and no others. */
  async serve(zone: StaticZone): Promise<void> {
    const taken = once(this.#child, 'message');
    this.#child.send(zone);
    await taken;
  }
}
