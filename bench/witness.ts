import { once } from 'node:events';
import { forkInside } from '../test/kernel/harness/endpoint/endpoint.ts';
import type { Namespace } from '../test/kernel/harness/namespace.ts';
import { addresses } from '../test/kernel/harness/topology.ts';
import { type Change, changeMessage, type FlowName, flows, type Verdict } from './witness-messages.ts';

const patienceMs = 60_000;

/**
 * Makes a new connection a millisecond from the pod to each of two networks, and notes whenever what becomes of them
 * changes. So times end where they matter, at the first connection that is judged rightly, whatever the agent and the
 * backend.
 */
export class Witness {
  readonly #changes: Change[] = [];
  #onChange: () => void = () => undefined;

  static async start(pod: Namespace, world: Namespace): Promise<Witness> {
    const witness = new Witness();
    const receiver = forkInside(world, new URL('witness-receiver.ts', import.meta.url), addresses.ipv4.pod);
    await once(receiver, 'message');
    receiver.on('message', (message) => {
      witness.#changes.push(changeMessage.parse(message));
      witness.#onChange();
    });
    forkInside(pod, new URL('witness-sender.ts', import.meta.url), addresses.ipv4.pod);
    for (const flow of flows) await witness.next(flow.name, 'keep', 0);
    return witness;
  }

  /** To be given to `next`, for what happens from now on. */
  get now(): number {
    return this.#changes.length;
  }

  /** When the flow first came to be judged so since the given moment, on the shared clock. */
  async next(flow: FlowName, verdict: Verdict, since: number): Promise<number> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const change = this.#changes.find(
        (known, index) => index >= since && known.flow === flow && known.verdict === verdict,
      );
      if (change) return change.at;
      if (performance.now() > deadline) throw new Error(`connections ${flow} never came to be: ${verdict}`);
      await this.#change();
    }
  }

  /** How long the flow was judged so since the given moment, in milliseconds, until it was judged otherwise. */
  async period(flow: FlowName, verdict: Verdict, since: number): Promise<number> {
    const began = await this.next(flow, verdict, since);
    const ended = await this.next(flow, verdict === 'keep' ? 'masquerade' : 'keep', since);
    return ended - began;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, patienceMs);
      this.#onChange = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
