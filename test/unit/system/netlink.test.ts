import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { type NetlinkSocket, openNetlink } from '../../../src/system/netlink.ts';
import { messageFlags } from '../../../src/system/netlink-messages.ts';

/** NETLINK_ROUTE, which everybody may ask. */
const route = 0;
/** RTM_GETLINK with a struct ifinfomsg of zeros. */
const getLinks = { type: 18, flags: messageFlags.dump, body: Buffer.alloc(16) };
const newLink = 16;

describe('openNetlink', () => {
  let socket: NetlinkSocket | undefined;
  afterEach(() => socket?.close());

  it('gives all of a dump', async () => {
    socket = await openNetlink({ protocol: route });
    const { error, messages } = await socket.request(getLinks);
    expect(error).toBeUndefined();
    expect(messages.length).toBeGreaterThan(0);
    expect(new Set(messages.map(({ type }) => type))).toEqual(new Set([newLink]));
  });

  it('names the error of a request that the kernel refuses', async () => {
    socket = await openNetlink({ protocol: route });
    expect(await socket.request({ type: 0x7fff, body: Buffer.alloc(16) })).toEqual({
      error: 'ENOTSUP',
      messages: [],
    });
  });

  it('answers many requests at a time, each its own', async () => {
    const opened = await openNetlink({ protocol: route });
    socket = opened;
    const replies = await Promise.all(Array.from({ length: 20 }, () => opened.request(getLinks)));
    const [first] = replies;
    expect(replies.map(({ error, messages }) => [error, messages.length])).toEqual(
      replies.map(() => [undefined, first?.messages.length]),
    );
  });

  it('ends a blocked read when it is closed, and every request then', async () => {
    socket = await openNetlink({ protocol: route, groups: [5, 9] });
    const pending = socket.request({ type: 18, flags: messageFlags.dump, body: Buffer.alloc(16) });
    const closed = socket.close();
    await expect(pending).rejects.toMatchObject({ code: 'ABORTED' });
    await closed;
    await expect(socket.request(getLinks)).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('says what is wrong with a protocol that does not exist', async () => {
    await expect(openNetlink({ protocol: 31 })).rejects.toMatchObject({
      code: 'KERNEL_UNSUPPORTED',
      message: expect.stringContaining('EPROTONOSUPPORT'),
    });
  });
});

describe('a process with an open socket', () => {
  const opened = `const { openNetlink } = await import('./src/system/netlink.ts');
    await openNetlink({ protocol: 0 });
    await new Promise((resolve) => setTimeout(resolve, 50));`;

  async function exitOf(options: readonly string[], script: string): Promise<{ code: unknown; errors: string }> {
    const child = spawn(process.execPath, [...options, '--input-type=module', '-e', script], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (piece: string) => {
      errors += piece;
    });
    const [code] = await once(child, 'close');
    return { code, errors };
  }

  // A blocked read would keep both for ever.
  it('ends by process.exit()', async () => {
    expect(await exitOf([], `${opened} process.exit(7);`)).toMatchObject({ code: 7 });
  });

  it('ends by an error that nobody catches', async () => {
    expect(await exitOf([], `${opened} setTimeout(() => { throw new Error('oh no'); });`)).toMatchObject({ code: 1 });
  });

  it('has none where Node gives no access', async () => {
    const { errors } = await exitOf(['--no-experimental-ffi'], opened);
    expect(errors).toContain('Node gives no access to sockets of this kind');
  });
});
