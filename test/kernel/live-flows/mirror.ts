/** Tells everybody the address that they seem to come from. The arguments are a port, then addresses. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

process.on('disconnect', () => process.exit());
const [port = 0, ...addresses] = process.argv.slice(2);
for (const address of addresses) {
  // One for each address: from a socket that has none, an answer would come from another.
  const udp = createSocket({ type: 'udp4' });
  udp.on('message', (_, from) => udp.send(from.address, from.port, from.address));
  await once(udp.bind(Number(port), address), 'listening');
}
const tcp = createServer((socket) => {
  socket.on('error', () => socket.destroy());
  socket.on('data', () => socket.write(socket.remoteAddress ?? ''));
});
await once(tcp.listen(Number(port), '0.0.0.0'), 'listening');
process.send?.('ready');
