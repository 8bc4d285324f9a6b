/**
 * A DNS server in a process of its own, for a network namespace: `ADDRESS PORT`. Takes zones over the channel that
 * child_process.fork opens, tells when each is in force, and ends when the test does.
 */
import { DnsServer } from './dns-server.ts';
import { type StaticZone, staticZone, zoneOf } from './static-zone.ts';

const [address = '127.0.0.1', port = '53'] = process.argv.slice(2);
let zone: StaticZone = {};
await DnsServer.start((name, type) => zoneOf(zone, name, type), { address, port: Number(port) });
process.on('message', (message) => {
  zone = staticZone.parse(message);
  process.send?.('ok');
});
process.on('disconnect', () => process.exit());
process.send?.('ok');
