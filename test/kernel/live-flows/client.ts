/** Opens connections, keeps them, and sends over all of them when told to. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import * as z from 'zod/mini';
import { literal } from '../harness/endpoint/udp.ts';

const flowSchema = z.object({
  protocol: z.enum(['udp', 'tcp']),
  source: z.string(),
  sourcePort: z.number(),
  destination: z.string(),
  port: z.number(),
});
const orderSchema = z.union([z.literal('send'), z.array(flowSchema)]);

type Flow = z.infer<typeof flowSchema>;
/** Sends once and gives the answer; null where there is none. */
type Send = () => Promise<string | null>;

/** A veth pair delivers at once; this is for a busy machine. */
const patienceMs = 2_000;

async function openUdp({ source, sourcePort, destination, port }: Flow): Promise<Send> {
  // With such a lookup the socket is bound when the call returns.
  const socket = createSocket({ type: 'udp4', lookup: literal });
  socket.bind({ address: source, port: sourcePort });
  socket.on('error', () => undefined);
  return async () => {
    const answer = once(socket, 'message', { signal: AbortSignal.timeout(patienceMs) });
    socket.send('?', port, destination);
    return answer.then(([text]) => String(text)).catch(() => null);
  };
}

async function openTcp({ source, sourcePort, destination, port }: Flow): Promise<Send> {
  const socket = connect({ host: destination, port, localAddress: source, localPort: sourcePort });
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  return async () => {
    const answer = once(socket, 'data', { signal: AbortSignal.timeout(patienceMs) });
    socket.write('?');
    return answer.then(([text]) => String(text)).catch(() => null);
  };
}

let sends: readonly Send[] = [];

process.on('disconnect', () => process.exit());
process.on('message', async (message) => {
  const order = orderSchema.parse(message);
  if (order !== 'send') {
    sends = await Promise.all(order.map((flow) => (flow.protocol === 'udp' ? openUdp(flow) : openTcp(flow))));
    process.send?.('open');
    return;
  }
  const answers: (string | null)[] = [];
  // A few at a time: what a socket's buffer can't hold would count as lost.
  for (let start = 0; start < sends.length; start += 100) {
    answers.push(...(await Promise.all(sends.slice(start, start + 100).map((send) => send()))));
  }
  process.send?.(answers);
});
process.send?.('ready');
