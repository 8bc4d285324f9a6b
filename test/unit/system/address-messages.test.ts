import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLink, parseLinkAddress } from '../../../src/system/address-messages.ts';
import { encodeAttribute, type NetlinkMessage } from '../../../src/system/netlink-messages.ts';

const newLink = 16;
const newAddress = 20;
const delAddress = 21;

function messageOf(type: number, body: Buffer): NetlinkMessage {
  return { type, flags: 2, sequence: 1, port: 1, body };
}

function recorded(type: number, hex: string): NetlinkMessage {
  return messageOf(type, Buffer.from(hex, 'hex'));
}

/** Recorded from Linux 6.x in a network namespace: what `ip address add` had made there. */
const records = {
  loopback:
    '020880fe01000000080001007f000001080002007f000001070003006c6f0000080008008000000014000600ffffffffffffffffca890600ca890600',
  primary:
    '021880000300000008000100c000020a08000200c000020a090003006574683000000000080008008000000014000600ffffffffffffffffd2890600d2890600',
  secondary:
    '021881000300000008000100c000020b08000200c000020b090003006574683000000000080008008100000014000600ffffffffffffffffe5890600e5890600',
  /** `198.51.100.1 peer 198.51.100.2/32`. */
  pointToPoint:
    '022080000300000008000100c633640208000200c6336401090003006574683000000000080008008000000014000600ffffffffffffffffe8890600e8890600',
  /** `2001:db8::5/64 preferred_lft 0`, which was still tentative. */
  deprecated:
    '0a406000030000001400010020010db80000000000000000000000051400060000000000e7030000eb890600eb8906000800080060000000',
  linkLocal:
    '0a4080fd0300000014000100fe80000000000000800533fffeae2b2a14000600ffffffffffffffffce890600ce89060008000800800000000' +
    '5000b0003000000',
} as const;

describe('parseLinkAddress', () => {
  const plain = { isGlobal: true, isUnusable: false, isTemporary: false, isSecondary: false };

  it.each([
    ['loopback', { family: 'ipv4', value: 0x7f00_0001n, prefix: 8, index: 1, ...plain, isGlobal: false }],
    ['primary', { family: 'ipv4', value: 0xc000_020an, prefix: 24, index: 3, ...plain }],
    ['secondary', { family: 'ipv4', value: 0xc000_020bn, prefix: 24, index: 3, ...plain, isSecondary: true }],
    ['pointToPoint', { family: 'ipv4', value: 0xc633_6401n, prefix: 32, index: 3, ...plain }],
    [
      'deprecated',
      { family: 'ipv6', value: (0x2001_0db8n << 96n) | 5n, prefix: 64, index: 3, ...plain, isUnusable: true },
    ],
    [
      'linkLocal',
      {
        family: 'ipv6',
        value: (0xfe80n << 112n) | 0x8005_33ff_feae_2b2an,
        prefix: 64,
        index: 3,
        ...plain,
        isGlobal: false,
      },
    ],
  ] as const)('reads one that is %s', (name, expected) => {
    expect(parseLinkAddress(recorded(newAddress, records[name]))).toEqual(expected);
  });

  it('reads one that went like one that came', () => {
    expect(parseLinkAddress(recorded(delAddress, records.primary))).toEqual(
      parseLinkAddress(recorded(newAddress, records.primary)),
    );
  });

  /** IFA_F_* by what they make of an address of each family. */
  it.each([
    [0x01, { ipv4: { isSecondary: true }, ipv6: { isTemporary: true } }],
    [0x08, { ipv4: { isUnusable: true }, ipv6: { isUnusable: true } }],
    [0x20, { ipv4: { isUnusable: true }, ipv6: { isUnusable: true } }],
    [0x40, { ipv4: { isUnusable: true }, ipv6: { isUnusable: true } }],
    // Optimistic, permanent, no prefix route, stable privacy: to be used like any other.
    [0xa84, { ipv4: {}, ipv6: {} }],
  ] as const)('reads the flags %i, which the longer attribute tells', (flags, marks) => {
    for (const [family, kind, length] of [
      ['ipv4', 2, 4],
      ['ipv6', 10, 16],
    ] as const) {
      const long = Buffer.alloc(4);
      long.writeUInt32LE(flags);
      const head = Buffer.from([kind, 8, 0, 0, 1, 0, 0, 0]);
      const body = Buffer.concat([head, encodeAttribute(1, Buffer.alloc(length, 1)), encodeAttribute(8, long)]);
      expect(parseLinkAddress(messageOf(newAddress, body))).toMatchObject({ ...plain, ...marks[family] });
    }
  });

  it('gives back any address', () => {
    fc.assert(
      fc.property(
        fc.constantFrom({ kind: 2, length: 4, family: 'ipv4' }, { kind: 10, length: 16, family: 'ipv6' }),
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.integer({ min: 1, max: 0xffff_ffff }),
        fc.nat(32),
        fc.nat(255),
        ({ kind, length, family }, bytes, index, prefix, scope) => {
          const value = Buffer.from(bytes).subarray(0, length);
          const head = Buffer.from([kind, prefix, 0, scope, 0, 0, 0, 0]);
          head.writeUInt32LE(index, 4);
          const body = Buffer.concat([head, encodeAttribute(1, value)]);
          expect(parseLinkAddress(messageOf(newAddress, body))).toEqual({
            ...plain,
            family,
            value: BigInt(`0x${value.toString('hex')}`),
            prefix,
            index,
            isGlobal: scope === 0,
          });
        },
      ),
    );
  });

  it('takes garbage of any kind for nothing or for an address of its family', () => {
    fc.assert(
      fc.property(fc.constantFrom(newAddress, delAddress), fc.uint8Array({ maxLength: 100 }), (type, bytes) => {
        const address = parseLinkAddress(messageOf(type, Buffer.from(bytes)));
        if (address === undefined) return;
        expect(address.value).toBeLessThan(1n << (address.family === 'ipv4' ? 32n : 128n));
      }),
    );
  });

  it('takes what is cut short, and other messages, for nothing', () => {
    const whole = Buffer.from(records.primary, 'hex');
    for (let length = 0; length < 16; length++) {
      expect(parseLinkAddress(messageOf(newAddress, whole.subarray(0, length)))).toBeUndefined();
    }
    expect(parseLinkAddress(recorded(newLink, records.primary))).toBeUndefined();
  });
});

describe('parseLink', () => {
  const loopback = '00000403010000004900010000000000070003006c6f000008000d00e803000005001000000000000500110000000000';
  const ethernet = '0000010003000000431001000000000009000300657468300000000008000d00e8030000';

  it('reads name and number, and whether it is a loopback', () => {
    expect(parseLink(recorded(newLink, loopback))).toEqual({ index: 1, name: 'lo', isLoopback: true });
    expect(parseLink(recorded(newLink, ethernet))).toEqual({ index: 3, name: 'eth0', isLoopback: false });
  });

  it('takes what is cut short, and other messages, for nothing', () => {
    const whole = Buffer.from(ethernet, 'hex');
    for (let length = 0; length < 25; length++) {
      expect(parseLink(messageOf(newLink, whole.subarray(0, length)))).toBeUndefined();
    }
    expect(parseLink(recorded(newAddress, ethernet))).toBeUndefined();
  });
});
