import { connect, createServer, type Server } from 'node:net';
import { type Attempt, listenPort, type Report } from './messages.ts';
import { nextSourcePort } from './source-port.ts';

/** Connects for real; the other side answers with the address and port that it sees. */
export function sendTcp(attempts: readonly Attempt[], report: (message: Report) => void): void {
  for (const { id, source, destination } of attempts) {
    let answer = '';
    let local = { address: source, port: 0 };
    const socket = connect({
      host: destination,
      port: listenPort,
      localAddress: source,
      localPort: nextSourcePort(),
    });
    socket.setEncoding('utf8');
    socket.on('connect', () => {
      local = { address: socket.localAddress ?? source, port: socket.localPort ?? 0 };
    });
    socket.on('data', (text) => {
      answer += text;
    });
    socket.on('end', () => {
      const [address = '', port = ''] = answer.split(' ');
      report({ kind: 'sent', attempts: [{ id, ...local }] });
      report({ kind: 'seen', attempts: [{ id, address, port: Number(port) }] });
    });
    socket.on('error', (error) => report({ kind: 'failed', id, reason: error.message }));
  }
}

export function listenTcp(): Server[] {
  return (['0.0.0.0', '::'] as const).map((host) => {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.end(`${socket.remoteAddress?.replace(/%.*/, '')} ${socket.remotePort}`);
    });
    return server.listen({ host, port: listenPort, ipv6Only: true });
  });
}
