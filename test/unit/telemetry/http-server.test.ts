import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type Answer,
  type HttpServer,
  json,
  type Routes,
  startHttpServer,
  text,
} from '../../../src/telemetry/http-server.ts';

const large = Buffer.alloc(8 * 1024 * 1024, 'x');
const routes: Routes = new Map<string, () => Answer | Promise<Answer>>([
  ['/ok', () => text(200, 'ok')],
  ['/json', () => json({ one: 1 })],
  ['/large', () => ({ status: 200, contentType: 'text/plain', body: large })],
  ['/broken', () => Promise.reject(new Error('no such thing'))],
]);

let server: HttpServer;
const errors: unknown[] = [];
const sockets: Socket[] = [];

beforeEach(async () => {
  errors.length = 0;
  server = await startHttpServer('127.0.0.1:0', routes, {
    places: 32,
    onError: (cause) => void errors.push(cause),
  });
});
afterEach(async () => {
  vi.useRealTimers();
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.stop();
});

function portOf({ address }: HttpServer): number {
  return Number(address.split(':').at(-1));
}

async function open(): Promise<Socket> {
  const socket = connect(portOf(server), '127.0.0.1');
  socket.on('error', () => undefined);
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

/** Resolves when the connection is over, in whatever way. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

/** Sends bytes and gives all that comes back until the server closes the connection. */
async function exchange(bytes: string): Promise<string> {
  const socket = await open();
  let received = '';
  socket.on('data', (data) => {
    received += data.toString();
  });
  socket.write(bytes);
  await closed(socket);
  return received;
}

function statusOf(answer: string): string {
  return answer.split('\r\n')[0] ?? '';
}

describe('the HTTP server', () => {
  it('answers GET, and ignores a query', async () => {
    const answer = await fetch(`http://${server.address}/ok?verbose=1`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(await answer.text()).toBe('ok\n');
    expect(await (await fetch(`http://${server.address}/json`)).json()).toEqual({ one: 1 });
  });

  it('answers HEAD like GET, without the body', async () => {
    const answer = await exchange('HEAD /ok HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(statusOf(answer)).toBe('HTTP/1.1 200 OK');
    expect(answer).toContain('Content-Length: 3\r\n');
    expect(answer).toMatch(/\r\n\r\n$/);
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])('refuses %s', async (method) => {
    const answer = await exchange(`${method} /ok HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect(statusOf(answer)).toBe('HTTP/1.1 405 Method Not Allowed');
    expect(answer).toContain('Allow: GET, HEAD\r\n');
  });

  it('says what there is instead of an unknown path', async () => {
    const answer = await fetch(`http://${server.address}/metric`);
    expect(answer.status).toBe(404);
    expect(await answer.text()).toBe('not found; there is /ok, /json, /large, /broken\n');
  });

  it('reports a bug and does not show it to the client', async () => {
    const answer = await fetch(`http://${server.address}/broken`);
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain('no such thing');
    expect(errors).toEqual([new Error('no such thing')]);
  });

  it('closes the connection after one answer', async () => {
    const answer = await exchange('GET /ok HTTP/1.1\r\nHost: a\r\n\r\nGET /json HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(answer).toContain('Connection: close');
  });

  it('refuses headers of more than 8 KiB', async () => {
    const answer = await exchange(`GET /ok HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(9000)}\r\n\r\n`);
    expect(statusOf(answer)).toBe('HTTP/1.1 431 Request Header Fields Too Large');
  });

  it('answers without waiting for a body, and closes on a client that goes on sending one', async () => {
    const answer = await exchange(
      `GET /ok HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n${'x'.repeat(9000)}`,
    );
    expect(statusOf(answer)).toBe('HTTP/1.1 200 OK');
  });

  it.each(['nonsense\r\n\r\n', 'GET /ok HTTP/1.1\r\n\r\n'])(
    'closes on a client that does not speak HTTP: %j',
    async (bytes) => {
      expect(statusOf(await exchange(bytes))).toBe('HTTP/1.1 400 Bad Request');
    },
  );

  it.each(['', 'GET /ok HT', '\u0016\u0003\u0001\u0000\u0000'])(
    'closes on a client that sent %j and no more for 5 s',
    async (bytes) => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const socket = await open();
      socket.write(bytes);
      // A whole exchange later, the server has seen the first connection.
      await exchange('GET /ok HTTP/1.1\r\nHost: a\r\n\r\n');
      const over = closed(socket);
      vi.advanceTimersByTime(5_000);
      await over;
    },
  );

  it('closes on a client that does not read its answer for 15 s', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const socket = await open();
    socket.pause();
    socket.write('GET /large HTTP/1.1\r\nHost: a\r\n\r\n');
    await exchange('GET /ok HTTP/1.1\r\nHost: a\r\n\r\n');
    vi.advanceTimersByTime(15_000);
    let received = 0;
    socket.on('data', (data) => {
      received += data.length;
    });
    socket.resume();
    await closed(socket);
    expect(received).toBeLessThan(large.length);
  });

  it('parses, and answers, nothing after the first request, however much comes at once', async () => {
    let asked = 0;
    const counting = await startHttpServer(
      '127.0.0.1:0',
      new Map([
        [
          '/count',
          () => {
            asked++;
            return text(200, 'ok');
          },
        ],
      ]),
      { places: 32, onError: () => undefined },
    );
    const socket = connect(portOf(counting), '127.0.0.1').on('error', () => undefined);
    socket.write('GET /count HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(10_000));
    let received = '';
    socket.on('data', (data) => {
      received += data.toString();
    });
    await once(socket, 'end');
    socket.destroy();
    await counting.stop();
    expect(received.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(asked).toBe(1);
  });

  it('finds the end of a request that comes byte by byte', async () => {
    const socket = await open();
    let received = '';
    socket.on('data', (data) => {
      received += data.toString();
    });
    socket.setNoDelay(true);
    for (const byte of 'GET /ok HTTP/1.1\r\nHost: a\r\nX: \r\r\r\n\r\n'.replace('\r\r\r\n', 'b\r\n')) {
      socket.write(byte);
      await new Promise(setImmediate);
    }
    await closed(socket);
    expect(statusOf(received)).toBe('HTTP/1.1 200 OK');
  });

  it('gives a newcomer the place of the one that has been silent for the longest', async () => {
    const asking = await open();
    asking.pause();
    asking.write('GET /large HTTP/1.1\r\nHost: a\r\n\r\n');
    await exchange('GET /ok HTTP/1.1\r\nHost: a\r\n\r\n');
    const held: Socket[] = [];
    for (let index = 0; index < 31; index++) held.push(await open());
    const [eldest, ...others] = held;
    const over = closed(eldest ?? asking);
    expect(statusOf(await exchange('GET /ok HTTP/1.1\r\nHost: a\r\n\r\n'))).toBe('HTTP/1.1 200 OK');
    await over;
    expect([asking, ...others].every((socket) => !socket.closed)).toBe(true);
  });

  it('lets those go that do not read their answers where nobody is silent', async () => {
    for (let index = 0; index < 40; index++) {
      const socket = await open();
      socket.pause();
      socket.write('GET /large HTTP/1.1\r\nHost: a\r\n\r\n');
    }
    await vi.waitFor(async () => expect((await fetch(`http://${server.address}/ok`)).status).toBe(200));
  });

  it('ends at once, whatever its clients do', async () => {
    const silent = await open();
    const reading = await open();
    reading.write('GET /large HTTP/1.1\r\nHost: a\r\n\r\n');
    await Promise.all([server.stop(), closed(silent), closed(reading.resume())]);
    server = await startHttpServer('127.0.0.1:0', routes, { places: 32, onError: () => undefined });
  });

  it('says why it can not listen', async () => {
    await expect(
      startHttpServer(server.address, routes, { places: 32, onError: () => undefined }),
    ).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
      exitCode: 3,
      message: expect.stringMatching(/^can't serve HTTP on 127\.0\.0\.1:\d+: .*EADDRINUSE/),
    });
    await expect(
      startHttpServer('192.0.2.1:0', routes, { places: 32, onError: () => undefined }),
    ).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
    });
  });
});
