import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nearMissOf, severalCidrs } from '../../../src/config/near-misses.ts';
import { formatAddress, lastAddress, mergeCidrs, parseCidr } from '../../../src/net/cidr.ts';

describe('what was probably meant', () => {
  it('by a range of addresses are the CIDRs that hold exactly these addresses', () => {
    const range = fc
      .tuple(
        fc.constantFrom('ipv4', 'ipv6'),
        fc.bigInt({ min: 1n, max: 2n ** 32n - 300n }),
        fc.bigInt({ min: 0n, max: 200n }),
      )
      // Near the start of an aligned block, so that few enough CIDRs cover it for the message to list them all.
      .map(
        ([family, value, size]) =>
          ({ family, first: (value >> 8n) << 8n, last: ((value >> 8n) << 8n) + size }) as const,
      );
    fc.assert(
      fc.property(range, ({ family, first, last }) => {
        const text = `${formatAddress(family, first)}-${formatAddress(family, last)}`;
        const [, listed = ''] = /^the CIDRs that cover it: (.*)$/.exec(nearMissOf(text)?.expected ?? '') ?? [];
        const cidrs = listed
          .split(', ')
          .map(parseCidr)
          .filter((cidr) => cidr !== undefined);
        expect({ text, ranges: mergeCidrs(cidrs) }).toEqual({ text, ranges: [{ first, last }] });
        expect(
          cidrs.every((cidr, index) => index === 0 || cidr.network === lastAddress(cidrs[index - 1] ?? cidr) + 1n),
        ).toBe(true);
      }),
    );
  });

  it.each([
    ['0.0.0.0-255.255.255.255', 'the CIDRs that cover it: 0.0.0.0/0'],
    ['::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'the CIDRs that cover it: ::/0'],
    ['10.0.0.0 - 10.0.1.255', 'the CIDRs that cover it: 10.0.0.0/23'],
    ['172.16.*.*', '172.16.0.0/16'],
    ['10.0.0.7/255.255.255.0', '10.0.0.0/24'],
    ['10.0.0.1/0.0.0.0', '0.0.0.0/0'],
    ['10.0.0.0/8;172.16.0.0/12', '[10.0.0.0/8, 172.16.0.0/12], or a dash and a line for each'],
    ['-10.0.0.0/8', '- 10.0.0.0/8'],
  ])('by %s is %s', (text, expected) => {
    expect(nearMissOf(text)?.expected).toBe(expected);
  });

  it.each([
    '10.0.0.300/8',
    'example.com',
    '10.0.0.1/8',
    '10.0.0.0',
    '300.*',
    '10.*.0.0',
    'a-b',
    '1-2-3',
    '',
    '-',
    '{}',
  ])('by %j is not known', (text) => {
    expect(nearMissOf(text)).toBeUndefined();
  });

  it('is looked for in linear time', () => {
    for (const piece of ['-', ',', ' ', '{', '10.0.0.0/8 -', '*.', '/']) {
      severalCidrs(piece.repeat(100_000));
      nearMissOf(piece.repeat(9_000 / piece.length));
    }
  });
});
