import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { AgentError } from '../errors.ts';
import { formatListenAddress, parseListenAddress } from '../net/listen-address.ts';

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  /** Not a string: clients that are slow to read an answer share one copy of it. */
  readonly body: Buffer;
}

/** What each path answers. */
export type Routes = ReadonlyMap<string, () => Answer | Promise<Answer>>;

export interface HttpServer {
  /** The address bound, host:port. */
  readonly address: string;
  /** Ends at once, open connections included. */
  stop(): Promise<void>;
}

/** Far more than a scraper and a few probes; beyond it, connections are closed as they come. */
const maxConnections = 32;
const maxHeaderBytes = 8 * 1024;
/** Milliseconds that a client has to send its request. */
const requestTimeoutMs = 5_000;
/** Milliseconds from the request until the answer must be read by the client. */
const answerTimeoutMs = 15_000;

/**
 * Answers GET and HEAD on these paths, one request a connection. Nothing that a client does or leaves undone can cost
 * more than a bounded time, memory and number of connections. Throws LISTEN_FAILED.
 */
export async function startHttpServer(
  address: string,
  routes: Routes,
  onError: (cause: unknown) => void,
): Promise<HttpServer> {
  const server = createServer({ maxHeaderSize: maxHeaderBytes });
  server.maxConnections = maxConnections;
  // Node's own time-outs for late clients are enforced every 30 s only, and there is none for those that do not read.
  const deadlines = new WeakMap<Socket, NodeJS.Timeout>();
  const setDeadline = (socket: Socket, ms: number): void => {
    clearTimeout(deadlines.get(socket));
    deadlines.set(socket, setTimeout(() => socket.destroy(), ms).unref());
  };
  server.on('connection', (socket) => {
    setDeadline(socket, requestTimeoutMs);
    socket.once('close', () => clearTimeout(deadlines.get(socket)));
  });
  server.on('request', (request, response) => {
    setDeadline(request.socket, answerTimeoutMs);
    void respond(request, response, routes, onError);
  });
  const bound = await listen(server, address);
  server.on('error', onError);
  return {
    address: bound,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function listen(server: Server, text: string): Promise<string> {
  const { host, port } = parseListenAddress(text);
  try {
    server.listen({ port, ...(host === undefined ? {} : { host }) });
    await once(server, 'listening');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AgentError('LISTEN_FAILED', `can't serve HTTP on ${text}: ${reason}`, { cause });
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
  const [path = ''] = (request.url ?? '').split('?');
  const route = routes.get(path);
  if (!route) return text(404, `not found; there is ${[...routes.keys()].join(', ')}`);
  if (request.method !== 'GET' && request.method !== 'HEAD') return text(405, 'only GET and HEAD are answered');
  return route();
}

/** An answer in plain text. */
export function text(status: number, line: string): Answer {
  return { status, contentType: 'text/plain; charset=utf-8', body: Buffer.from(`${line}\n`) };
}

/** An answer in JSON, laid out for people too. */
export function json(value: unknown): Answer {
  const body = Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`);
  return { status: 200, contentType: 'application/json', body };
}
