/** Whenever it is told to, sends a burst of UDP packets, each to another destination, and tells what one cost, in µs. */
import { createSocket } from 'node:dgram';
import { parseCidr } from '../../src/net/cidr.ts';
import { literal } from '../../test/kernel/harness/endpoint/udp.ts';
import { Connections } from '../../test/kernel/harness/flood/connections.ts';

/** Enough that the clock of processor time does not matter, however little one packet costs. */
const mostPackets = 20_000;
/** Enough for a stable figure, however much one packet costs. */
const burstMs = 400;
const packetsPerLook = 500;

const network = parseCidr('203.0.0.0/16');
if (!network) throw new Error('no network');
const connections = new Connections(network);
const socket = createSocket({ type: 'udp4', lookup: literal });
socket.bind({ address: '198.51.100.10', port: 0 });
const payload = Buffer.alloc(1);
let sent = 0;

process.on('message', () => {
  const first = sent;
  const [startedAt, before] = [performance.now(), process.cpuUsage()];
  while (sent - first < mostPackets && performance.now() - startedAt < burstMs) {
    for (let packet = 0; packet < packetsPerLook; packet++) {
      const { address, port } = connections.nth(sent++);
      socket.send(payload, port, address);
    }
  }
  const { user, system } = process.cpuUsage(before);
  process.send?.((user + system) / (sent - first));
});
process.on('disconnect', () => process.exit());
