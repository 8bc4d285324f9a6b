import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { isPortTrusted, processesOfThisNetwork, usersListening } from '../../../src/system/processes.ts';

describe('processesOfThisNetwork', () => {
  it('finds a process with its arguments, its executable and its start, but not this one', async () => {
    const before = Date.now();
    const child = spawn(process.execPath, [
      '--eval',
      'setInterval(() => {}, 1e6); console.log("up")',
      'two  words',
      '',
    ]);
    await once(child.stdout, 'data');
    const processes = await processesOfThisNetwork();
    const found = processes.find(({ pid }) => pid === child.pid);
    child.kill();
    expect(found?.args.slice(3)).toEqual(['two  words', '']);
    expect(found?.executable).toBe(process.execPath);
    // The kernel tells the time of the boot in whole seconds.
    expect(Math.abs((found?.startedAt.getTime() ?? 0) - before)).toBeLessThan(60_000);
    expect(processes.map(({ pid }) => pid)).not.toContain(process.pid);
  });
});

describe('usersListening', () => {
  // proc_net_tcp(5): a listener of root, one of nobody on another port, and a connection from the first.
  const table = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 0100007F:2826 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1 0 100 0 0 10 0',
    '   1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000 65534        0 23456 1 0 100 0 0 10 0',
    '   2: 0100007F:2826 0100007F:B2E4 01 00000000:00000000 00:00000000 00000000  1000        0 34567 1 0 20 4 30 10 -1',
  ].join('\n');

  it('names who listens on a port, and nobody else', () => {
    expect(usersListening(table, 10278)).toEqual([0]);
    expect(usersListening(table, 80)).toEqual([65534]);
    expect(usersListening(table, 81)).toEqual([]);
  });
});

describe('isPortTrusted', () => {
  it('trusts what this user listens on, and not what nobody does', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    expect(await isPortTrusted(port)).toBe(true);
    server.close();
    await once(server, 'close');
    expect(await isPortTrusted(port)).toBe(false);
  });
});
