import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress } from '../../../src/net/address.ts';

describe('parseAddress', () => {
  it.each([
    ['0.0.0.0', 0n],
    ['10.1.2.3', 0x0a010203n],
    ['255.255.255.255', 0xffff_ffffn],
  ])('reads %s', (text, value) => {
    expect(parseAddress(text)).toEqual({ family: 'ipv4', value });
  });

  it.each([
    ['::', 0n],
    ['::1', 1n],
    ['1::', 1n << 112n],
    ['2001:DB8::8:800:200c:417a', 0x20010db8_00000000_00080800_200c417an],
    ['1:2:3:4:5:6:7:8', 0x00010002_00030004_00050006_00070008n],
    ['::2:3:4:5:6:7:8', 0x00000002_00030004_00050006_00070008n],
    ['64:ff9b::192.0.2.33', 0x0064ff9b_00000000_00000000_c0000221n],
    ['::ffff:10.0.0.1', 0xffff_0a000001n],
  ])('reads %s', (text, value) => {
    expect(parseAddress(text)).toEqual({ family: 'ipv6', value });
  });

  it.each([
    '',
    '10',
    '10.0.0',
    '10.0.0.0.0',
    '10.0.0.256',
    '10.0.0.01',
    '0x0a.0.0.1',
    '10.0.0.1 ',
    '٠.0.0.1',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4::5:6:7:8',
    ':::',
    '1::2::3',
    ':1::2',
    '1:',
    '::00001',
    '::g',
    'fe80::1%eth0',
    '::1.2.3',
    '::1.2.3.4.5',
    '1.2.3.4::',
    '1:2:3:4:5:6:7:1.2.3.4',
    '::1.2.3.04',
  ])('refuses %j', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  it('takes exactly what node:net takes for an address without a zone', () => {
    const pieces = fc.constantFrom(
      '0',
      '1',
      '01',
      '10',
      '255',
      '256',
      'ab',
      'ffff',
      '12345',
      ':',
      '::',
      '.',
      '%',
      '1.2.3.4',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.ipV4(),
          fc.ipV6(),
          fc.array(pieces).map((list) => list.join('')),
        ),
        (text) => {
          expect(parseAddress(text) !== undefined).toBe(isIP(text) !== 0 && !text.includes('%'));
        },
      ),
    );
  });
});

describe('formatAddress', () => {
  // The examples of RFC 5952, sections 4 and 5.
  it.each([
    ['2001:0db8::0001', '2001:db8::1'],
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:DB8::ABCD', '2001:db8::abcd'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['1:0:0:0:0:0:0:0', '1::'],
    ['::ffff:a00:1', '::ffff:10.0.0.1'],
    ['::1.2.3.4', '::102:304'],
  ])('shortens %s to %s', (text, canonical) => {
    const address = parseAddress(text);
    expect(address && formatAddress(address.family, address.value)).toBe(canonical);
  });

  it('agrees with URL, and parseAddress reads it back', () => {
    const address = fc.oneof(
      fc.bigInt(0n, 2n ** 32n - 1n).map((value) => ({ family: 'ipv4' as const, value })),
      fc.bigInt(0n, 2n ** 128n - 1n).map((value) => ({ family: 'ipv6' as const, value })),
      // Sparse ones, for their runs of zeros.
      fc.array(fc.constantFrom(0n, 0n, 0n, 1n, 0xabcn), { minLength: 8, maxLength: 8 }).map((groups) => ({
        family: 'ipv6' as const,
        value: groups.reduce<bigint>((sum, group) => sum * 65_536n + group, 0n),
      })),
    );
    fc.assert(
      fc.property(address, ({ family, value }) => {
        const text = formatAddress(family, value);
        expect(parseAddress(text)).toEqual({ family, value });
        // URL (WHATWG) shortens the same way, without dotted tails.
        if (!text.includes('.')) expect(new URL(`http://[${text}]/`).hostname).toBe(`[${text}]`);
      }),
    );
  });
});
