import { createSocket, type Socket } from 'node:dgram';
import { type Attempt, listenPort, type Place, type Report } from './messages.ts';
import { nextSourcePort } from './source-port.ts';

/** Addresses need no name service, and without one a socket is bound and the packet sent before the call returns. */
export function literal(
  address: string,
  _options: unknown,
  callback: (error: null, address: string, family: number) => void,
): void {
  callback(null, address, address.includes(':') ? 6 : 4);
}

/** Sends one packet per attempt, each from a port of its own, with the attempt's number inside. */
export function sendUdp(attempts: readonly Attempt[], report: (message: Report) => void): void {
  const sent: Place[] = [];
  for (const attempt of attempts) {
    try {
      sent.push(sendOne(attempt));
    } catch (error) {
      report({ kind: 'failed', id: attempt.id, reason: String(error) });
    }
  }
  report({ kind: 'sent', attempts: sent });
}

function sendOne({ id, source, destination }: Attempt): Place {
  const socket = createSocket({ type: source.includes(':') ? 'udp6' : 'udp4', lookup: literal });
  let failure: Error | undefined;
  const fail = (error: Error | null) => {
    failure ??= error ?? undefined;
  };
  socket.on('error', fail);
  socket.bind({ address: source, port: nextSourcePort() });
  if (failure) throw failure;
  const { address, port } = socket.address();
  socket.send(String(id), listenPort, destination, (error) => {
    fail(error);
    socket.close();
  });
  return { id, address, port };
}

/** Reports what arrives, in the lots in which the kernel hands it over. */
export function listenUdp(report: (message: Report) => void): Socket[] {
  let seen: Place[] = [];
  const flush = () => {
    report({ kind: 'seen', attempts: seen });
    seen = [];
  };
  return (['udp4', 'udp6'] as const).map((type) => {
    const socket = createSocket({ type, ipv6Only: type === 'udp6' });
    socket.on('message', (payload, { address, port }) => {
      const id = Number(payload.toString());
      if (!Number.isSafeInteger(id)) return;
      if (seen.length === 0) setImmediate(flush);
      seen.push({ id, address: withoutZone(address), port });
    });
    return socket.bind(listenPort);
  });
}

function withoutZone(address: string): string {
  return address.replace(/%.*/, '');
}
