import { listenPort } from './messages.ts';

const firstPort = 1024;
const lastPort = 65_535;
let port = firstPort + Math.floor(Math.random() * (lastPort - firstPort));

/**
 * The next source port in turn. Only the first packet of a connection meets NAT rules, so no pair of addresses and
 * ports may come back before conntrack has forgotten it: 64,000 attempts in between see to that.
 */
export function nextSourcePort(): number {
  port = port === lastPort ? firstPort : port + 1;
  return port === listenPort ? nextSourcePort() : port;
}
