/** Makes a new connection to each network every millisecond. Argument: the pod's address. */
import { createSocket } from 'node:dgram';
import { literal } from '../test/kernel/harness/endpoint/udp.ts';
import { flows } from './witness-messages.ts';

const addressesPerNetwork = 2 ** 16;

const socket = createSocket({ type: 'udp4', lookup: literal });
socket.bind({ address: process.argv[2] ?? '', port: 0 });
const payload = Buffer.alloc(1);
let count = 0;

setInterval(() => {
  // Long after its entry in the conntrack table has gone, an address is a new connection again.
  const host = count++ % addressesPerNetwork;
  for (const { network, port } of flows) {
    socket.send(payload, port, network.replace(/0\.0\/16$/, `${host >>> 8}.${host & 255}`));
  }
}, 1);
process.on('disconnect', () => process.exit());
