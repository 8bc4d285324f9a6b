import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { AgentError } from '../errors.ts';
import { formatListenAddress, parseListenAddress } from '../net/listen-address.ts';
import { messageOf } from '../text.ts';

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  /** Not a string: clients that are slow to read an answer share one copy of it. */
  readonly body: Buffer;
}

/** What each path answers; it may look at the query. */
export type Routes = ReadonlyMap<string, (query: URLSearchParams) => Answer | Promise<Answer>>;

export interface HttpServer {
  /** The address bound, host:port. */
  readonly address: string;
  /** Ends at once, open connections included. */
  stop(): Promise<void>;
}

export interface HttpServerOptions {
  /** The most connections at once. */
  readonly places: number;
  /** Hears of bugs in routes, and of what happens to the listening socket. */
  readonly onError: (cause: unknown) => void;
}

const maxHeaderBytes = 8 * 1024;
/** Milliseconds that a client has to send its request. */
const requestTimeoutMs = 5_000;
/** Milliseconds from the request until the answer must be read by the client. */
const answerTimeoutMs = 15_000;
/**
 * Connections that the kernel holds until they are accepted (more than net.core.somaxconn it does not): where it drops
 * one, the client tries again only after a second, longer than a probe waits.
 */
const backlog = 4096;

/**
 * Answers GET and HEAD on these paths, one request a connection, and reads nothing after it. Nothing that a client does
 * or leaves undone can cost more than a bounded time, memory and number of connections; while clients hold all places,
 * a newcomer gets that of the one that has been idle for the longest. Throws LISTEN_FAILED.
 */
export async function startHttpServer(
  address: string,
  routes: Routes,
  { places, onError }: HttpServerOptions,
): Promise<HttpServer> {
  const http = createHttpServer({ maxHeaderSize: maxHeaderBytes });
  http.on('request', (request, response) => void respond(request, response, routes, onError));
  const connections = new Connections(places);
  const server = createServer((socket) => {
    connections.add(socket);
    // A client that resets its connection.
    socket.on('error', () => undefined);
    passOneRequest(socket, http, () => connections.hasAsked(socket));
  });
  const bound = await listen(server, address);
  server.on('error', onError);
  return {
    address: bound,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      connections.closeAll();
      await closed;
    },
  };
}

/** The open connections, at most as many as there are places, each with a deadline. */
class Connections {
  readonly #places: number;
  /** Those that have not sent their request, and those that have; both with the eldest first. */
  readonly #silent = new Map<Socket, NodeJS.Timeout>();
  readonly #asked = new Map<Socket, NodeJS.Timeout>();

  constructor(places: number) {
    this.#places = places;
  }

  /** Takes a connection in, at the cost of another where all places are taken. */
  add(socket: Socket): void {
    if (this.#silent.size + this.#asked.size >= this.#places) {
      const [eldest] = [...this.#silent.keys(), ...this.#asked.keys()];
      if (eldest) this.#close(eldest);
    }
    this.#silent.set(socket, this.#deadline(socket, requestTimeoutMs));
    socket.once('close', () => this.#forget(socket));
  }

  hasAsked(socket: Socket): void {
    this.#forget(socket);
    this.#asked.set(socket, this.#deadline(socket, answerTimeoutMs));
  }

  closeAll(): void {
    for (const socket of [...this.#silent.keys(), ...this.#asked.keys()]) this.#close(socket);
  }

  #deadline(socket: Socket, ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#close(socket), ms).unref();
  }

  #close(socket: Socket): void {
    this.#forget(socket);
    socket.destroy();
  }

  #forget(socket: Socket): void {
    for (const group of [this.#silent, this.#asked]) {
      clearTimeout(group.get(socket));
      group.delete(socket);
    }
  }
}

/**
 * Lets the head of one request through to Node's HTTP server, and no byte after it: that would parse, and answer,
 * whatever one read of the socket gave, which may be thousands of requests.
 */
function passOneRequest(socket: Socket, http: Server, onRequest: () => void): void {
  let gate: Duplex | undefined;
  const head = new RequestHead();
  socket.on('data', (bytes) => {
    // Never a string, since no encoding is set.
    if (typeof bytes === 'string') return;
    if (!gate) {
      gate = gateTo(socket);
      http.emit('connection', gate);
    }
    const end = head.endIn(bytes);
    gate.push(end === undefined ? bytes : bytes.subarray(0, end));
    if (end === undefined) return;
    socket.pause().removeAllListeners('data');
    onRequest();
  });
}

/** The socket, but for its readable side. */
function gateTo(socket: Socket): Duplex {
  const gate = new Duplex({
    read: () => undefined,
    write: (bytes: Buffer, _encoding, done) => void socket.write(bytes, done),
    final(done) {
      // Not only end(): what the client still sends is not to be waited for.
      socket.end(() => socket.destroy());
      done();
    },
    destroy(cause, done) {
      socket.destroy();
      done(cause);
    },
  });
  gate.on('error', () => undefined);
  socket.once('close', () => gate.destroy());
  return gate;
}

const blankLine = Buffer.from('\r\n\r\n');

/** Looks for the end of a request's head, the first blank line, in bytes that come piece by piece. */
class RequestHead {
  #matched = 0;

  /** The index of the first byte after the head; undefined where it goes on. */
  endIn(bytes: Uint8Array): number | undefined {
    for (const [index, byte] of bytes.entries()) {
      // After a mismatch only a carriage return can be the beginning of the next match.
      if (byte === blankLine[this.#matched]) this.#matched++;
      else this.#matched = byte === blankLine[0] ? 1 : 0;
      if (this.#matched === blankLine.length) return index + 1;
    }
    return undefined;
  }
}

async function listen(server: ReturnType<typeof createServer>, text: string): Promise<string> {
  const { host, port } = parseListenAddress(text);
  try {
    server.listen({ port, backlog, ...(host === undefined ? {} : { host }) });
    await once(server, 'listening');
  } catch (cause) {
    throw new AgentError('LISTEN_FAILED', `can't serve HTTP on ${text}: ${messageOf(cause)}`, { cause });
  }
  const bound = server.address();
  return bound === null || typeof bound === 'string' ? text : formatListenAddress(bound.address, bound.port);
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  routes: Routes,
  onError: (cause: unknown) => void,
): Promise<void> {
  const { status, contentType, body } = await answerTo(request, routes).catch((cause: unknown) => {
    onError(cause);
    return text(500, 'internal error; the log of the agent says more');
  });
  response.writeHead(status, {
    'Content-Type': contentType,
    'Content-Length': body.length,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    Connection: 'close',
    ...(status === 405 ? { Allow: 'GET, HEAD' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function answerTo(request: IncomingMessage, routes: Routes): Promise<Answer> {
  const [path = '', query] = (request.url ?? '').split('?', 2);
  const route = routes.get(path);
  if (!route) return text(404, `not found; there is ${[...routes.keys()].join(', ')}`);
  if (request.method !== 'GET' && request.method !== 'HEAD') return text(405, 'only GET and HEAD are answered');
  return route(new URLSearchParams(query));
}

/** An answer in plain text. */
export function text(status: number, lines: string): Answer {
  return { status, contentType: 'text/plain; charset=utf-8', body: Buffer.from(`${lines}\n`) };
}

/** An answer in JSON, laid out for people too. */
export function json(value: unknown): Answer {
  const body = Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`);
  return { status: 200, contentType: 'application/json', body };
}
