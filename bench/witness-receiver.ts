/** Tells whenever the source address that connections arrive with changes. Argument: the pod's address. */
import { createSocket } from 'node:dgram';
import { monotonicMs } from './clock.ts';
import { type Change, flows, type Verdict } from './witness-messages.ts';

const podAddress = process.argv[2];

for (const { name, port } of flows) {
  let last: Verdict | undefined;
  const socket = createSocket('udp4', (_payload, { address }) => {
    const verdict = address === podAddress ? 'keep' : 'masquerade';
    if (verdict === last) return;
    last = verdict;
    const change: Change = { flow: name, verdict, at: monotonicMs() };
    process.send?.(change);
  });
  await new Promise<void>((resolve) => socket.bind(port, resolve));
}
process.on('disconnect', () => process.exit());
process.send?.('ready');
