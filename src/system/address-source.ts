import { AgentError, asAgentError } from '../errors.ts';
import { type Cidr, containsAddress } from '../net/cidr.ts';
import type { NodeAddress } from '../net/node-address.ts';
import { addressesRequest, addressGroups, linksRequest, parseLink, parseLinkAddress } from './address-messages.ts';
import { type NetlinkOptions, type NetlinkSocket, openNetlink } from './netlink.ts';
import { messageFlags, type NetlinkMessage, type NetlinkRequest } from './netlink-messages.ts';
import { listNodeAddresses } from './node-addresses.ts';

export interface AddressSourceOptions {
  readonly openNetlink: (options: NetlinkOptions) => Promise<NetlinkSocket>;
  /** Gives the addresses where the kernel can't be asked over netlink. */
  readonly listAddresses: () => Promise<readonly NodeAddress[]>;
  /** One of the addresses that were asked for last came, went or became another, or may have. */
  readonly onChange: () => void;
  /** Told why the kernel can't be heard: once for each reason. */
  readonly onFailure: (reason: string) => void;
}

const system = { openNetlink, listAddresses: listNodeAddresses };
/** A dump during which something changed has to be asked for anew. */
const mostTries = 5;

/**
 * The addresses of the node, from the kernel (rtnetlink(7)), and word of their changes from its groups of addresses. Has
 * a socket from the first question to `stop`, but for the time in which nobody wants any address.
 *
 * Where there is no socket, the addresses come from what Node lists, and changes are seen when they are read again.
 */
export class AddressSource {
  readonly #options: AddressSourceOptions;
  #socket: NetlinkSocket | undefined;
  #wanted: readonly Cidr[] = [];
  #failure: string | undefined;

  constructor(options: Pick<AddressSourceOptions, 'onChange' | 'onFailure'> & Partial<AddressSourceOptions>) {
    this.#options = { ...system, ...options };
  }

  /** The addresses in these networks as they are now. An empty list says that changes are not of interest any more. */
  async read(wanted: readonly Cidr[]): Promise<readonly NodeAddress[]> {
    this.#wanted = wanted;
    if (wanted.length === 0) {
      await this.stop();
      return [];
    }
    const addresses = (await this.#ask()) ?? (await this.#options.listAddresses());
    return addresses.filter((address) => this.#isWanted(address));
  }

  async stop(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    await socket?.close();
  }

  async #ask(): Promise<readonly NodeAddress[] | undefined> {
    try {
      // The groups first: what changes during the answer is heard.
      this.#socket ??= await this.#open();
      const addresses = await readAll(this.#socket);
      this.#failure = undefined;
      return addresses;
    } catch (cause) {
      this.#fail(asAgentError(cause));
      await this.stop();
      return undefined;
    }
  }

  #open(): Promise<NetlinkSocket> {
    return this.#options.openNetlink({
      ...addressGroups,
      onEvents: (events) => {
        if (events.some((event) => this.#concerns(event))) this.#options.onChange();
      },
      onLoss: () => this.#options.onChange(),
      onFailure: (error) => {
        this.#socket = undefined;
        this.#fail(error);
        // What is not heard from now on is read at once, with a new socket if there is one.
        this.#options.onChange();
      },
    });
  }

  #concerns(event: NetlinkMessage): boolean {
    const address = parseLinkAddress(event);
    return address !== undefined && this.#isWanted(address);
  }

  #isWanted(address: Pick<NodeAddress, 'family' | 'value'>): boolean {
    return this.#wanted.some((cidr) => containsAddress(cidr, address));
  }

  #fail({ message }: AgentError): void {
    if (message === this.#failure) return;
    this.#failure = message;
    this.#options.onFailure(message);
  }
}

/** The addresses in these networks, read once. */
export async function readNodeAddresses(wanted: readonly Cidr[]): Promise<readonly NodeAddress[]> {
  const source = new AddressSource({ onChange: () => {}, onFailure: () => {} });
  try {
    return await source.read(wanted);
  } finally {
    await source.stop();
  }
}

/** In the order of the kernel. Throws AgentError where it gives no whole answer. */
async function readAll(socket: NetlinkSocket): Promise<readonly NodeAddress[]> {
  const addresses = (await dump(socket, addressesRequest)).flatMap((message) => parseLinkAddress(message) ?? []);
  const links = (await dump(socket, linksRequest)).flatMap((message) => parseLink(message) ?? []);
  const byIndex = new Map(links.map((link) => [link.index, link]));
  return addresses.flatMap(({ index, ...address }) => {
    const link = byIndex.get(index);
    // Gone since: and its addresses with it.
    return link ? [{ ...address, interface: link.name, isLoopback: link.isLoopback }] : [];
  });
}

async function dump(socket: NetlinkSocket, request: NetlinkRequest): Promise<readonly NetlinkMessage[]> {
  let why = '';
  for (let tries = 0; tries < mostTries; tries++) {
    try {
      const { error, messages } = await socket.request(request);
      if (error === undefined && !messages.some(({ flags }) => (flags & messageFlags.interrupted) !== 0)) {
        return messages;
      }
      why = error ?? 'something changed again and again while it was asked';
    } catch (cause) {
      // After a loss of events an answer may be lost as well.
      const failure = asAgentError(cause);
      if (failure.code === 'ABORTED') throw failure;
      why = failure.message;
    }
  }
  throw new AgentError('KERNEL_RESOURCE', `netlink: the kernel does not list the addresses of the node: ${why}`);
}
