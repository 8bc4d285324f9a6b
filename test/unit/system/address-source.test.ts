import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../src/errors.ts';
import { type Cidr, parseCidr } from '../../../src/net/cidr.ts';
import type { NodeAddress } from '../../../src/net/node-address.ts';
import { AddressSource, readNodeAddresses } from '../../../src/system/address-source.ts';
import type { NetlinkOptions, NetlinkReply, NetlinkSocket } from '../../../src/system/netlink.ts';
import { encodeAttribute, type NetlinkMessage } from '../../../src/system/netlink-messages.ts';

function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (!parsed) throw new Error(text);
  return parsed;
}

function message(type: number, head: readonly number[], attribute: number, value: Buffer, flags = 2): NetlinkMessage {
  return {
    type,
    flags,
    sequence: 1,
    port: 1,
    body: Buffer.concat([Buffer.from(head), encodeAttribute(attribute, value)]),
  };
}

const link = message(16, [0, 0, 1, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0], 3, Buffer.from('eth0\0'));
function address(last: number, type = 20, flags = 2): NetlinkMessage {
  return message(type, [2, 24, 0, 0, 2, 0, 0, 0], 1, Buffer.from([192, 0, 2, last]), flags);
}

/** A source on a kernel that answers as told. */
function world({ answers = [] as (NetlinkReply | AgentError)[], refusal = undefined as AgentError | undefined } = {}) {
  const seen = { opened: 0, closed: 0, changes: 0, failures: [] as string[], asked: 0 };
  let options: NetlinkOptions | undefined;
  const socket: NetlinkSocket = {
    request: ({ type }) => {
      seen.asked++;
      const planned = answers.shift();
      if (planned instanceof AgentError) return Promise.reject(planned);
      return Promise.resolve(
        planned ?? { error: undefined, messages: type === 18 ? [link] : [address(1), address(200)] },
      );
    },
    close: () => {
      seen.closed++;
      return Promise.resolve();
    },
  };
  const listed: NodeAddress = {
    family: 'ipv4',
    value: 0xc000_0203n,
    prefix: 24,
    interface: 'listed',
    isGlobal: true,
    isUnusable: false,
    isTemporary: false,
    isSecondary: false,
    isLoopback: false,
  };
  const source = new AddressSource({
    openNetlink: (given) => {
      options = given;
      if (refusal) return Promise.reject(refusal);
      seen.opened++;
      return Promise.resolve(socket);
    },
    listAddresses: () => Promise.resolve([listed]),
    onChange: () => void seen.changes++,
    onFailure: (reason) => void seen.failures.push(reason),
  });
  return { source, seen, socketOptions: () => options };
}

const wanted = [cidr('192.0.2.0/25')];

describe('AddressSource', () => {
  it('gives the addresses in the networks that are wanted, with one socket for all questions', async () => {
    const { source, seen } = world();
    expect(await source.read(wanted)).toMatchObject([{ value: 0xc000_0201n, interface: 'eth0', prefix: 24 }]);
    await source.read(wanted);
    expect(seen).toMatchObject({ opened: 1, closed: 0, failures: [] });
  });

  it('has no socket before addresses are wanted, nor once they are not any more', async () => {
    const { source, seen } = world();
    expect(await source.read([])).toEqual([]);
    expect(seen).toMatchObject({ opened: 0, asked: 0 });
    await source.read(wanted);
    expect(await source.read([])).toEqual([]);
    expect(seen).toMatchObject({ opened: 1, closed: 1 });
  });

  it('tells of addresses that come and go in these networks, and of no other', async () => {
    const { source, seen, socketOptions } = world();
    await source.read(wanted);
    const tell = (...events: NetlinkMessage[]) => socketOptions()?.onEvents?.(events);
    tell(address(200), address(130, 21), link);
    expect(seen.changes).toBe(0);
    tell(address(5));
    tell(address(200), address(5, 21));
    expect(seen.changes).toBe(2);
  });

  it('tells of a loss, after which anything may have changed', async () => {
    const { source, seen, socketOptions } = world();
    await source.read(wanted);
    socketOptions()?.onLoss?.();
    expect(seen.changes).toBe(1);
  });

  it('asks anew where the answer was lost, or something changed meanwhile', async () => {
    const interrupted = { error: undefined, messages: [address(9, 20, 0x12)] };
    const answers = [new AgentError('KERNEL_RESOURCE', 'no answer'), interrupted];
    const { source, seen } = world({ answers });
    expect(await source.read(wanted)).toMatchObject([{ value: 0xc000_0201n }]);
    expect(seen).toMatchObject({ asked: 4, failures: [] });
  });

  it('lists what Node knows where there is no socket, and says why once', async () => {
    const { source, seen } = world({ refusal: new AgentError('KERNEL_UNSUPPORTED', 'no such sockets') });
    expect(await source.read(wanted)).toMatchObject([{ interface: 'listed' }]);
    expect(await source.read(wanted)).toMatchObject([{ interface: 'listed' }]);
    expect(await source.read([cidr('203.0.113.0/24')])).toEqual([]);
    expect(seen.failures).toEqual(['no such sockets']);
  });

  it('does so, too, where the kernel never answers, and opens another socket the next time', async () => {
    const answers = Array.from({ length: 5 }, () => new AgentError('KERNEL_RESOURCE', 'no answer'));
    const { source, seen } = world({ answers });
    expect(await source.read(wanted)).toMatchObject([{ interface: 'listed' }]);
    expect(seen).toMatchObject({ opened: 1, closed: 1 });
    expect(await source.read(wanted)).toMatchObject([{ interface: 'eth0' }]);
    expect(seen).toMatchObject({ opened: 2 });
    expect(seen.failures).toHaveLength(1);
  });

  it('opens another socket when one breaks, and has the addresses read at once', async () => {
    const { source, seen, socketOptions } = world();
    await source.read(wanted);
    socketOptions()?.onFailure?.(new AgentError('KERNEL_RESOURCE', 'broken'));
    expect(seen).toMatchObject({ changes: 1, failures: ['broken'] });
    await source.read(wanted);
    expect(seen.opened).toBe(2);
  });
});

describe('readNodeAddresses', () => {
  it('finds the loopback of this machine', async () => {
    expect(await readNodeAddresses([cidr('127.0.0.1/32')])).toMatchObject([
      { value: 0x7f00_0001n, prefix: 8, isLoopback: true, isGlobal: false },
    ]);
  });
});
