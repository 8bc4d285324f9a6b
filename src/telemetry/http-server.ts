import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
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
 * Answers GET and HEAD on these paths, one request a connection, and heeds nothing after it. Not Node's HTTP server, which
 * parses and answers whatever one read of a socket gives, thousands of requests if a client sends them back to back. Nothing that a client does
 * or leaves undone can cost more than a bounded time, memory and number of connections; while clients hold all places,
 * a newcomer gets that of the one that has been idle for the longest. Throws LISTEN_FAILED.
 */
export async function startHttpServer(
  address: string,
  routes: Routes,
  { places, onError }: HttpServerOptions,
): Promise<HttpServer> {
  const connections = new Connections(places);
  // Half open: who has closed its own side may still read the answer.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    connections.add(socket);
    // A client that resets its connection.
    socket.on('error', () => undefined);
    readOneRequest(socket, (head) => {
      connections.hasAsked(socket);
      void respond(socket, head, routes, onError);
    });
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

/** The most connections that may wait for an answer, or read one, at once. */
const mostAsked = 32;

/**
 * The open connections, each with a deadline. The more may be silent, the longer a newcomer has until it must have asked
 * while others open connections as fast as they are accepted: some 30 ms with 1,000 places.
 */
class Connections {
  readonly #places: number;
  /** Those that have not sent their request, and those that have; both with the eldest first. */
  readonly #silent = new Map<Socket, NodeJS.Timeout>();
  readonly #asked = new Map<Socket, NodeJS.Timeout>();

  constructor(places: number) {
    this.#places = places;
  }

  /** Takes a connection in, at the cost of the eldest where all places are taken: of those that are silent, if any. */
  add(socket: Socket): void {
    if (this.#silent.size + this.#asked.size >= this.#places)
      this.#closeEldest(this.#silent.size > 0 ? this.#silent : this.#asked);
    this.#silent.set(socket, this.#deadline(socket, requestTimeoutMs));
    socket.once('close', () => this.#forget(socket));
  }

  hasAsked(socket: Socket): void {
    this.#forget(socket);
    if (this.#asked.size >= mostAsked) this.#closeEldest(this.#asked);
    this.#asked.set(socket, this.#deadline(socket, answerTimeoutMs));
  }

  closeAll(): void {
    for (const socket of [...this.#silent.keys(), ...this.#asked.keys()]) this.#close(socket);
  }

  #deadline(socket: Socket, ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#close(socket), ms).unref();
  }

  #closeEldest(group: ReadonlyMap<Socket, unknown>): void {
    for (const socket of group.keys()) {
      this.#close(socket);
      return;
    }
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

/** More than this is not read of what a client sends after its request; no GET has anything to send. */
const mostIgnoredBytes = 64 * 1024;

/** Calls back with the head of one request, once it is whole or too long; what the client sends after it is thrown away. */
function readOneRequest(socket: Socket, onRequest: (head: string) => void): void {
  const head = new RequestHead();
  let ignored = 0;
  socket.on('data', (bytes) => {
    // Never a string, since no encoding is set.
    if (typeof bytes === 'string') return;
    if (head.isWhole) {
      ignored += bytes.length;
      // Left to its deadline: closed, it would be back at once.
      if (ignored > mostIgnoredBytes) socket.pause();
    } else if (head.add(bytes)) {
      onRequest(head.text);
    }
    // Freed at once: a read may give 64 KiB, and clients can fill them far faster than garbage is collected.
    bytes.buffer.transfer(0);
  });
  socket.on('end', () => {
    if (!head.isWhole) socket.destroy();
  });
}

/** The head of a request, which comes piece by piece and ends with a blank line. */
class RequestHead {
  text = '';
  isWhole: boolean = false;

  /** Takes a piece up to the end of the head; says whether it is whole now. One that is too long is, to be refused. */
  add(bytes: Buffer): boolean {
    const known = this.text.length;
    const text = this.text + bytes.toString('latin1', 0, Math.min(bytes.length, maxHeaderBytes + 1 - known));
    const blankLine = text.indexOf('\r\n\r\n', Math.max(0, known - 3));
    this.isWhole = blankLine !== -1 || text.length > maxHeaderBytes;
    this.text = blankLine === -1 ? text : text.slice(0, blankLine + 4);
    return this.isWhole;
  }
}

async function listen(server: Server, text: string): Promise<string> {
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

async function respond(socket: Socket, head: string, routes: Routes, onError: (cause: unknown) => void): Promise<void> {
  const { status, contentType, body } = await answerTo(head, routes).catch((cause: unknown) => {
    onError(cause);
    return text(500, 'internal error; the log of the agent says more');
  });
  const headers = [
    `HTTP/1.1 ${status} ${reasons[status] ?? ''}`,
    `Date: ${new Date().toUTCString()}`,
    `Content-Type: ${contentType}`,
    `Content-Length: ${body.length}`,
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
    ...(status === 405 ? ['Allow: GET, HEAD'] : []),
    'Connection: close',
  ];
  socket.write(`${headers.join('\r\n')}\r\n\r\n`);
  // The connection is over when the client closes its side too, or at the deadline.
  if (!head.startsWith('HEAD ')) socket.write(body);
  socket.end();
}

/** The reason phrases of RFC 9110 for what is answered here. */
const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

const requestLine = /^(?<method>[A-Z]+) (?<target>\S+) HTTP\/1\.(?<minor>[01])\r\n/;

async function answerTo(head: string, routes: Routes): Promise<Answer> {
  if (head.length > maxHeaderBytes) return text(431, `the head of a request may have ${maxHeaderBytes} bytes`);
  const { method, target = '', minor } = requestLine.exec(head)?.groups ?? {};
  const url = URL.parse(target, 'http://agent');
  const lacksHost = minor === '1' && !/^host:/im.test(head);
  if (method === undefined || !url || lacksHost) return text(400, 'this is no request of HTTP/1.1 or HTTP/1.0');
  const route = routes.get(url.pathname);
  if (!route) return text(404, `not found; there is ${[...routes.keys()].join(', ')}`);
  if (method !== 'GET' && method !== 'HEAD') return text(405, 'only GET and HEAD are answered');
  return route(url.searchParams);
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
