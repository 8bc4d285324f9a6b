import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crashingTablesIn, findCrashingTables } from '../../../../src/backends/nft/crashing-sets.ts';
import type { NetlinkSocket } from '../../../../src/system/netlink.ts';
import { encodeAttribute, type NetlinkMessage } from '../../../../src/system/netlink-messages.ts';

/** What is noted beside a set of `type ipv4_addr`, as Linux 6.18 gave it back. */
const notes = {
  'nft 1.0.6': '000402000000',
  'nft 1.1.3': '00040200000003080004040000000100',
  'nft 1.1.3, typeof': '0004020000000314000407000000010c00040c00000001040c000000',
  'nft 1.1.3, concatenated': '000400000000031200040d000000010a00000004040000000100',
  'nft 1.0.6, map in a rule': '00040100000001040000000004080004010000000100060400000000',
  'nft 1.1.3, map in a rule': '0004010000000104000000000308000404000000010004080004010000000100060400000000',
} as const;

interface SetTraits {
  readonly family?: number;
  readonly table?: string;
  readonly name: string;
  readonly notes?: string;
  readonly flags?: number;
}

/** NFT_MSG_NEWSET. */
function set({ family = 2, table = 'other', name, notes: hex, flags }: SetTraits): NetlinkMessage {
  const text = (value: string): Buffer => Buffer.from(`${value}\0`);
  const flagBytes = Buffer.alloc(4);
  flagBytes.writeUInt32BE(flags ?? 0);
  const body = Buffer.concat([
    Buffer.from([family, 0, 0, 0]),
    encodeAttribute(1, text(table)),
    encodeAttribute(2, text(name)),
    ...(flags === undefined ? [] : [encodeAttribute(3, flagBytes)]),
    ...(hex === undefined ? [] : [encodeAttribute(13, Buffer.from(hex, 'hex'))]),
  ]);
  return { type: (10 << 8) | 9, flags: 2, sequence: 1, port: 1, body };
}

describe('crashingTablesIn', () => {
  it.each([
    ['nft 1.0.6', undefined],
    ['nft 1.1.3', '1.1.1'],
    ['nft 1.1.3, typeof', undefined],
    ['nft 1.1.3, concatenated', undefined],
    ['nft 1.0.6, map in a rule', '0.9.8'],
    ['nft 1.1.3, map in a rule', '1.1.1'],
  ] as const)('knows what is written by %s', (writer, crashes) => {
    const found = crashingTablesIn([set({ name: 's', notes: notes[writer] })]);
    expect(found).toEqual(crashes === undefined ? [] : [{ table: 'ip other', crashes, sets: ['s'], anonymous: 0 }]);
  });

  it('names the sets that do the worst, and the worst table first', () => {
    const [light, bad] = [notes['nft 1.0.6, map in a rule'], notes['nft 1.1.3']];
    const found = crashingTablesIn([
      set({ family: 1, table: 'old', name: '__map0', notes: light, flags: 11 }),
      set({ name: '__map0', notes: light, flags: 11 }),
      set({ name: 'a', notes: bad }),
      set({ name: '__map1', notes: light, flags: 11 }),
      set({ name: '__map2', notes: notes['nft 1.1.3, map in a rule'], flags: 11 }),
      set({ name: 'b', notes: bad, flags: 8 }),
      set({ name: 'harmless' }),
    ]);
    expect(found).toEqual([
      { table: 'ip other', crashes: '1.1.1', sets: ['a', 'b'], anonymous: 1 },
      { table: 'inet old', crashes: '0.9.8', sets: [], anonymous: 1 },
    ]);
  });

  it('leaves out our own table', () => {
    expect(
      crashingTablesIn([set({ family: 1, table: 'ip-masq-agent', name: 's', notes: notes['nft 1.1.3'] })]),
    ).toEqual([]);
  });

  it('reads any notes to their end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.uint8Array({ maxLength: 64 }), (data, body) => {
        const [wellFormed] = [set({ name: 's', notes: Buffer.from(data).toString('hex') })];
        crashingTablesIn([wellFormed, { ...wellFormed, body: Buffer.from(body) }]);
      }),
    );
  });
});

describe('findCrashingTables', () => {
  const socketWith = (error: string | undefined) => {
    const closed: string[] = [];
    const socket: NetlinkSocket = {
      request: () => Promise.resolve({ error, messages: [set({ name: 's', notes: notes['nft 1.1.3'] })] }),
      close: () => Promise.resolve(void closed.push('closed')),
    };
    return { closed, open: () => Promise.resolve(socket) };
  };

  it('asks once', async () => {
    const { closed, open } = socketWith(undefined);
    expect(await findCrashingTables(open)).toMatchObject([{ table: 'ip other' }]);
    expect(closed).toEqual(['closed']);
  });

  it.each([
    ['EPERM', 'NO_PERMISSION'],
    ['EINVAL', 'KERNEL_RESOURCE'],
  ])('fails where the kernel answers %s', async (error, code) => {
    const { closed, open } = socketWith(error);
    await expect(findCrashingTables(open)).rejects.toMatchObject({ code });
    expect(closed).toEqual(['closed']);
  });
});
