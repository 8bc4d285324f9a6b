import { closeSync, read, writeSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import { AgentError } from '../errors.ts';
import {
  encodeMessage,
  errnoOf,
  messageFlags,
  messageTypes,
  type NetlinkMessage,
  type NetlinkRequest,
  parseMessages,
} from './netlink-messages.ts';
import { openSocket } from './netlink-syscalls.ts';

export interface NetlinkOptions {
  /** NETLINK_ROUTE 0, NETLINK_NETFILTER 12 (linux/netlink.h). */
  readonly protocol: number;
  /** Multicast groups to hear, counted from 1 as in the headers of the kernel; up to 32. */
  readonly groups?: readonly number[];
  /** Events, in order, a few at a time. Their bodies are overwritten by the next read. */
  readonly onEvents?: (events: readonly NetlinkMessage[]) => void;
  /** Events were lost (ENOBUFS); whether more are, only the answer to the next request can tell. */
  readonly onLoss?: () => void;
  /** Reading failed for good; the socket is closed. */
  readonly onFailure?: (error: AgentError) => void;
}

/** What the kernel answered to one request. */
export interface NetlinkReply {
  /** The name of the errno, such as ENOENT; undefined where the request succeeded. */
  readonly error: string | undefined;
  readonly messages: readonly NetlinkMessage[];
}

/** One netlink(7) socket. */
export interface NetlinkSocket {
  /**
   * Sends a request and gives all of the answer. It is a barrier too: whatever the kernel had sent to this socket before
   * it answered has been given to `onEvents` by then. Rejects with KERNEL_RESOURCE where no answer comes within
   * `timeoutMs` (1 s), as after a loss, and with ABORTED once the socket is closed.
   */
  request(request: NetlinkRequest, options?: { readonly timeoutMs?: number }): Promise<NetlinkReply>;
  close(): Promise<void>;
}

/** The kernel puts at most 32 KiB into one answer, and no single message of nf_tables is larger than 64 KiB. */
const bufferBytes = 128 * 1024;
const defaultTimeoutMs = 1_000;

/**
 * Opens a socket and begins to read. Throws KERNEL_UNSUPPORTED where Node has no foreign-function interface or the
 * kernel no such protocol, NO_PERMISSION where the groups may not be heard.
 */
export async function openNetlink(options: NetlinkOptions): Promise<NetlinkSocket> {
  const { descriptor, port } = await openSocket(options);
  return new Socket(descriptor, port, options);
}

interface PendingRequest {
  readonly messages: NetlinkMessage[];
  readonly answer: (reply: NetlinkReply) => void;
  readonly fail: (error: AgentError) => void;
}

/**
 * Reads block a thread of libuv's pool, since Node can't wait for a descriptor of this kind: one of its four, for good.
 * Whatever ends the process has to wake it first.
 *
 * That a message comes from the kernel needs no check: only who has CAP_NET_ADMIN over the network may send others any.
 */
class Socket implements NetlinkSocket {
  readonly #descriptor: number;
  readonly #port: number;
  readonly #options: NetlinkOptions;
  readonly #buffer = Buffer.allocUnsafeSlow(bufferBytes);
  readonly #pending = new Map<number, PendingRequest>();
  readonly #closed = Promise.withResolvers<void>();
  #lastDump: Promise<unknown> = Promise.resolve();
  #sequence = 0;
  #state: 'open' | 'closing' = 'open';

  constructor(descriptor: number, port: number, options: NetlinkOptions) {
    this.#descriptor = descriptor;
    this.#port = port;
    this.#options = options;
    // process.exit() waits for the blocked thread, and an uncaught error ends in it.
    process.once('exit', this.#wake);
    this.#read();
  }

  /** The kernel takes one dump at a time from a socket. */
  request(request: NetlinkRequest, { timeoutMs = defaultTimeoutMs } = {}): Promise<NetlinkReply> {
    if (!isDump(request)) return this.#exchange(request, timeoutMs);
    const reply = this.#lastDump.then(() => this.#exchange(request, timeoutMs));
    this.#lastDump = reply.catch(() => undefined);
    return reply;
  }

  #exchange(request: NetlinkRequest, timeoutMs: number): Promise<NetlinkReply> {
    const { promise, resolve, reject } = Promise.withResolvers<NetlinkReply>();
    if (this.#state === 'closing') return Promise.reject(closedError());
    this.#sequence = (this.#sequence + 1) >>> 0;
    const sequence = this.#sequence;
    const settle = (): void => {
      clearTimeout(timer);
      this.#pending.delete(sequence);
    };
    const fail = (error: AgentError): void => {
      settle();
      reject(error);
    };
    const answer = (reply: NetlinkReply): void => {
      settle();
      resolve(reply);
    };
    const timer = setTimeout(() => {
      fail(new AgentError('KERNEL_RESOURCE', `netlink: the kernel did not answer within ${timeoutMs} ms`));
    }, timeoutMs);
    this.#pending.set(sequence, { messages: [], answer, fail });
    try {
      this.#send(request, sequence);
    } catch (cause) {
      fail(new AgentError('KERNEL_RESOURCE', `netlink: the request could not be sent: ${String(cause)}`, { cause }));
    }
    return promise;
  }

  close(): Promise<void> {
    if (this.#state === 'open') {
      this.#state = 'closing';
      this.#failPending(closedError());
      this.#wake();
    }
    return this.#closed.promise;
  }

  /** A dump ends with NLMSG_DONE; everything else is told to end with an acknowledgement. */
  #send(request: NetlinkRequest, sequence: number): void {
    const { type, body } = request;
    const flags = (request.flags ?? 0) | messageFlags.request | (isDump(request) ? 0 : messageFlags.acknowledge);
    writeSync(this.#descriptor, encodeMessage({ type, flags, sequence, port: 0, body }));
  }

  /** Any answer ends a blocked read: every protocol acknowledges a message that asks for nothing. */
  readonly #wake = (): void => {
    this.#state = 'closing';
    try {
      this.#send({ type: messageTypes.noop, body: Buffer.alloc(0) }, 0);
    } catch {
      // The socket has no room: then there is something to read, and the read is not blocked.
    }
  };

  #read(): void {
    read(this.#descriptor, this.#buffer, 0, bufferBytes, null, (error, length) => {
      if (this.#state === 'open') this.#take(error, length);
      if (this.#state === 'closing') this.#release();
      else this.#read();
    });
  }

  #take(error: NodeJS.ErrnoException | null, length: number): void {
    if (error === null) {
      const { messages, isWhole } = parseMessages(this.#buffer.subarray(0, length));
      this.#deliver(messages);
      if (!isWhole) this.#options.onLoss?.();
    } else if (error.code === 'ENOBUFS') {
      this.#options.onLoss?.();
    } else if (error.code !== 'EINTR' && error.code !== 'EAGAIN') {
      this.#state = 'closing';
      const failure = new AgentError('KERNEL_RESOURCE', `netlink: ${error.message}`, { cause: error });
      this.#failPending(failure);
      this.#options.onFailure?.(failure);
    }
  }

  /** Answers carry the port of this socket; one that comes when nobody waits for it any more is dropped. */
  #deliver(messages: readonly NetlinkMessage[]): void {
    let events: NetlinkMessage[] = [];
    const tellEvents = (): void => {
      if (events.length > 0) this.#options.onEvents?.(events);
      events = [];
    };
    for (const message of messages) {
      if (message.port !== this.#port) {
        events.push(message);
        continue;
      }
      const pending = this.#pending.get(message.sequence);
      if (pending === undefined) continue;
      if (message.type === messageTypes.error || message.type === messageTypes.done) {
        tellEvents();
        const errno = errnoOf(message);
        pending.answer({ error: errno === 0 ? undefined : getSystemErrorName(-errno), messages: pending.messages });
      } else {
        pending.messages.push({ ...message, body: Buffer.from(message.body) });
      }
    }
    tellEvents();
  }

  #failPending(error: AgentError): void {
    for (const { fail } of [...this.#pending.values()]) fail(error);
  }

  #release(): void {
    process.off('exit', this.#wake);
    closeSync(this.#descriptor);
    this.#closed.resolve();
  }
}

function isDump({ flags = 0 }: NetlinkRequest): boolean {
  return (flags & messageFlags.dump) === messageFlags.dump;
}

function closedError(): AgentError {
  return new AgentError('ABORTED', 'netlink: the socket is closed');
}
