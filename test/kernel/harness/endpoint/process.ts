/**
 * The process that sends and listens in one namespace of a test bed. It takes orders and reports over the channel that
 * child_process.fork opens, and ends when the test does.
 */
import { once } from 'node:events';
import { orderSchema, type Report } from './messages.ts';
import { listenTcp, sendTcp } from './tcp.ts';
import { listenUdp, sendUdp } from './udp.ts';

function report(message: Report): void {
  process.send?.(message);
}

process.on('message', (message) => {
  const { protocol, attempts } = orderSchema.parse(message);
  const send = protocol === 'udp' ? sendUdp : sendTcp;
  send(attempts, report);
});
process.on('disconnect', () => process.exit());

await Promise.all([
  ...listenUdp(report).map((socket) => once(socket, 'listening')),
  ...listenTcp().map((server) => once(server, 'listening')),
]);
report({ kind: 'ready' });
