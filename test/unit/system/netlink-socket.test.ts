import { describe, expect, it } from 'vitest';
import { findNetlinkSocket, parseSockets } from '../../../src/system/netlink-socket.ts';

/** As Linux 6.18 showed it while nft monitor was stopped and the rules changed. */
const table = `sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode
000000007e380eab 0   0          00000000 0        0        0     2        0        731054  
0000000076f94c3c 12  0          00000000 0        0        0     2        0        731061  
000000001212ffde 12  23583      00000140 599296   0        0     2        17       731067  
`;

describe('parseSockets', () => {
  it('reads what is unread, dropped and subscribed to', () => {
    expect(parseSockets(table).at(-1)).toEqual({
      inode: '731067',
      protocol: 12,
      groups: 0x140,
      unread: 599_296,
      dropped: 17,
    });
    expect(parseSockets(table)).toHaveLength(3);
  });

  it('takes nothing for nothing', () => {
    expect(parseSockets('')).toEqual([]);
    expect(parseSockets('garbage\nmore garbage')).toEqual([]);
  });
});

describe('findNetlinkSocket', () => {
  it('finds none in a process that has none, nor in one that is not there', async () => {
    const group = { protocol: 12, group: 7 };
    expect(await findNetlinkSocket(process.pid, group)).toBeUndefined();
    expect(await findNetlinkSocket(2 ** 22 + 1, group)).toBeUndefined();
  });
});
