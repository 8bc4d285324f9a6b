/**
 * Sends UDP packets to networks of one family in turn, each the first of a new connection, until its channel closes.
 * Arguments: connections per second, source address, networks.
 */
import { createSocket } from 'node:dgram';
import { parseCidr } from '../../../../src/net/cidr.ts';
import { literal } from '../endpoint/udp.ts';
import { Connections } from './connections.ts';

const [rate = '', source = '', ...networks] = process.argv.slice(2);
const perMs = Number(rate) / 1000;
const destinations = networks.map((network) => {
  const cidr = parseCidr(network);
  if (!cidr) throw new Error(`${network} is no network`);
  return new Connections(cidr);
});
/** So few that the process still hears when it is to stop. */
const largestBurst = 256;

const socket = createSocket({ type: source.includes(':') ? 'udp6' : 'udp4', lookup: literal });
socket.bind({ address: source, port: 0 });
const payload = Buffer.alloc(1);
let rounds = 0;
const start = performance.now();

function send(): void {
  const due = ((performance.now() - start) * perMs) / destinations.length;
  const until = Math.min(due, rounds + largestBurst);
  for (; rounds < until; rounds++) {
    for (const destination of destinations) {
      const { address, port } = destination.nth(rounds);
      socket.send(payload, port, address);
    }
  }
  if (rounds < due) setImmediate(send);
  else setTimeout(send, 1);
}

process.on('disconnect', () => process.exit());
process.send?.('started');
send();
