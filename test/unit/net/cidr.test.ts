import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Cidr, cidrFault, containsAddress, lastAddress, mergeCidrs, parseCidr } from '../../../src/net/cidr.ts';
import { addressBits, type Family, families } from '../../../src/net/family.ts';

function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(`${text}: ${cidrFault(text).message}`);
  return parsed;
}

describe('parseCidr', () => {
  it.each([
    ['10.0.0.0/8', 'ipv4', 0x0a000000n, 8, '10.0.0.0/8'],
    ['0.0.0.0/0', 'ipv4', 0n, 0, '0.0.0.0/0'],
    ['255.255.255.255/32', 'ipv4', 0xffffffffn, 32, '255.255.255.255/32'],
    ['::/0', 'ipv6', 0n, 0, '::/0'],
    ['2001:0DB8:0000:0000::/64', 'ipv6', 0x20010db8n << 96n, 64, '2001:db8::/64'],
    ['64:ff9b::192.0.2.0/120', 'ipv6', (0x0064ff9bn << 96n) | 0xc0000200n, 120, '64:ff9b::c000:200/120'],
  ])('reads %s', (text, family, network, prefix, canonical) => {
    expect(parseCidr(text)).toEqual({ family, network, prefix, text: canonical });
  });

  // iptables reads a leading zero as octal: up to 7 it means what Go takes it for.
  it('takes leading zeros of a prefix where Go and iptables agree', () => {
    expect(parseCidr('0.0.0.0/00')?.text).toBe('0.0.0.0/0');
    expect(parseCidr('fc00::/007')?.text).toBe('fc00::/7');
    expect(cidrFault('10.0.0.0/08').message).toMatch(/octal/);
    expect(cidrFault('10.0.0.0/010').message).toMatch(/octal/);
  });

  it.each([
    ['', 'the address is missing'],
    ['10.0.0.0', 'the prefix length is missing'],
    ['10.0.0.0/', 'the prefix length is not valid'],
    ['10.0.0.0/33', 'the prefix length is not valid'],
    ['::/129', 'the prefix length is not valid'],
    ['10.0.0.0/+8', 'the prefix length is not valid'],
    ['10.0.0.0/-1', 'the prefix length is not valid'],
    ['10.0.0.0/8/8', 'the prefix length is not valid'],
    ['10.0.0.0/255.0.0.0', 'the prefix length is not valid'],
    [' 10.0.0.0/8', 'spaces around a CIDR'],
    ['10.0.0.0/8\n', 'spaces around a CIDR'],
    ['10/8', 'not an IPv4 address: four numbers from 0 to 255 without leading zeros'],
    ['010.0.0.0/8', 'not an IPv4 address: four numbers from 0 to 255 without leading zeros'],
    ['g::/8', 'not an IPv6 address'],
    ['fe80::%eth0/10', 'a CIDR has no zone'],
    ['example.com', 'not an IP address'],
    ['::ffff:10.0.0.0/104', 'an IPv4-mapped IPv6 network never matches a packet'],
    ['::ffff:0:0/96', 'an IPv4-mapped IPv6 network never matches a packet'],
    ['10.0.0.1/8', 'the address has bits beyond its prefix'],
  ])('refuses %j: %s', (text, message) => {
    expect(parseCidr(text)).toBeUndefined();
    expect(cidrFault(text).message).toBe(message);
  });

  it('says what was perhaps meant', () => {
    expect(cidrFault('10.1.2.3/8').expected).toBe('10.0.0.0/8 for the network, or 10.1.2.3/32 for one address');
    expect(cidrFault('2001:db8::1').expected).toBe('2001:db8::1/128 for one address');
    expect(cidrFault('10.0.0.0/8 ').expected).toBe('10.0.0.0/8 without spaces');
  });

  // What net.ParseCIDR says of itself: an address without a zone, a decimal prefix, and a mask over the bytes.
  it('agrees with a model of net.ParseCIDR on bytes, but for the documented deviations', () => {
    fc.assert(
      fc.property(cidrText(), (text) => {
        const model = modelOfParseCidr(text);
        const isAligned = model?.address.every((byte, index) => byte === model.network[index]) ?? false;
        const isMapped = model?.address.length === 16 && /^(0,){10}255,255,/.test(model.address.join());
        const isOctal = /\/0+([1-9][0-9]|[89])/.test(text);
        const parsed = parseCidr(text);
        expect(parsed !== undefined).toBe(isAligned && !isMapped && !isOctal);
        if (parsed === undefined || model === undefined) return;
        const length = addressBits[parsed.family] / 4;
        expect(parsed.network.toString(16).padStart(length, '0')).toBe(Buffer.from(model.network).toString('hex'));
        expect(parsed.prefix).toBe(model.prefix);
        expect(parseCidr(parsed.text)).toEqual(parsed);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('lastAddress and containsAddress', () => {
  it('hold both ends and nothing beyond, in one family', () => {
    const network = cidr('10.1.0.0/16');
    expect(lastAddress(network)).toBe(0x0a01ffffn);
    expect(containsAddress(network, { family: 'ipv4', value: 0x0a010000n })).toBe(true);
    expect(containsAddress(network, { family: 'ipv4', value: 0x0a01ffffn })).toBe(true);
    expect(containsAddress(network, { family: 'ipv4', value: 0x0a020000n })).toBe(false);
    expect(containsAddress(network, { family: 'ipv4', value: 0x0a00ffffn })).toBe(false);
    expect(containsAddress(network, { family: 'ipv6', value: 0x0a010000n })).toBe(false);
    expect(lastAddress(cidr('::/0'))).toBe(2n ** 128n - 1n);
  });
});

describe('mergeCidrs', () => {
  it.each([
    [[], []],
    [['10.0.0.0/8'], [[0x0a000000n, 0x0affffffn]]],
    [['10.1.0.0/16', '10.0.0.0/8', '10.0.0.0/8'], [[0x0a000000n, 0x0affffffn]]],
    [['10.0.1.0/24', '10.0.0.0/24'], [[0x0a000000n, 0x0a0001ffn]]],
    [
      ['10.0.2.0/24', '10.0.0.0/24'],
      [
        [0x0a000000n, 0x0a0000ffn],
        [0x0a000200n, 0x0a0002ffn],
      ],
    ],
    [['0.0.0.0/0', '255.255.255.255/32'], [[0n, 0xffffffffn]]],
  ])('merges %j', (texts, ranges) => {
    expect(mergeCidrs(texts.map(cidr)).map(({ first, last }) => [first, last])).toEqual(ranges);
  });

  it('holds the same addresses as the networks, in the fewest ranges', () => {
    // Within 10.0.0.0/24, where every address can be tried.
    const network = fc
      .tuple(fc.integer({ min: 24, max: 32 }), fc.integer({ min: 0, max: 255 }))
      .map(([prefix, low]) => {
        const size = 2 ** (32 - prefix);
        return cidr(`10.0.0.${Math.floor(low / size) * size}/${prefix}`);
      });
    fc.assert(
      fc.property(fc.array(network, { maxLength: 12 }), (cidrs) => {
        const ranges = mergeCidrs(cidrs);
        for (let value = 0x0a000000n; value <= 0x0a0000ffn; value += 1n) {
          const isInSome = cidrs.some((one) => containsAddress(one, { family: 'ipv4', value }));
          expect(ranges.filter(({ first, last }) => first <= value && value <= last)).toHaveLength(isInSome ? 1 : 0);
        }
        for (const [index, { first }] of ranges.slice(1).entries()) {
          expect(first).toBeGreaterThan((ranges[index]?.last ?? first) + 1n);
        }
      }),
    );
  });

  it('merges 100,000 neighbours into one', () => {
    const cidrs = Array.from({ length: 100_000 }, (_, index) =>
      cidr(`10.${index >> 16}.${(index >> 8) & 255}.${index & 255}/32`),
    );
    expect(mergeCidrs(cidrs)).toEqual([{ first: 0x0a000000n, last: 0x0a000000n + 99_999n }]);
  });
});

function cidrText(): fc.Arbitrary<string> {
  const byte = fc.oneof(fc.integer({ min: 0, max: 260 }).map(String), fc.constantFrom('0', '00', '08', '255'));
  const dotted = fc.array(byte, { minLength: 3, maxLength: 5 }).map((bytes) => bytes.join('.'));
  const group = fc.oneof(
    fc.constantFrom('0', '', 'ffff', '0000', '12345'),
    fc.integer({ min: 0, max: 0xffff }).map((value) => value.toString(16)),
  );
  const colons = fc.tuple(fc.array(group, { minLength: 1, maxLength: 9 }), fc.option(dotted, { nil: undefined }));
  const address = fc.oneof(
    dotted,
    fc.ipV4(),
    fc.ipV6(),
    colons.map(([groups, tail]) => [...groups, ...(tail === undefined ? [] : [tail])].join(':')),
  );
  const prefix = fc.oneof(
    fc.integer({ min: -1, max: 130 }).map(String),
    fc.constantFrom('', '0', '00', '07', '08', '010', '+8', '0x8', ' 8'),
  );
  const aligned = fc
    .tuple(fc.constantFrom<Family>(...families), fc.integer({ min: 0, max: 128 }), fc.bigInt(0n, 2n ** 128n - 1n))
    .map(([family, length, bits]) => {
      const width = addressBits[family];
      const prefixLength = length % (width + 1);
      const shift = BigInt(width - prefixLength);
      const value = ((bits % 2n ** BigInt(width)) >> shift) << shift;
      const hex = value.toString(16).padStart(width / 4, '0');
      const text =
        family === 'ipv4'
          ? (hex.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16)).join('.')
          : (hex.match(/.{4}/g) ?? []).join(':');
      return `${text}/${prefixLength}`;
    });
  return fc.oneof(
    aligned,
    fc.tuple(address, prefix).map(([text, length]) => `${text}/${length}`),
    fc.string(),
  );
}

interface Model {
  readonly address: readonly number[];
  readonly network: readonly number[];
  readonly prefix: number;
}

function modelOfParseCidr(text: string): Model | undefined {
  const slash = text.indexOf('/');
  const address = slash < 0 ? undefined : modelOfParseAddr(text.slice(0, slash));
  const digits = text.slice(slash + 1);
  if (address === undefined || digits === '' || [...digits].some((digit) => digit < '0' || digit > '9'))
    return undefined;
  const prefix = [...digits].reduce((sum, digit) => sum * 10 + Number(digit), 0);
  if (prefix > address.length * 8) return undefined;
  const network = address.map((byte, index) => {
    const kept = Math.min(Math.max(prefix - index * 8, 0), 8);
    return byte & (0xff << (8 - kept)) & 0xff;
  });
  return { address, network, prefix };
}

function modelOfParseAddr(text: string): number[] | undefined {
  for (const character of text) {
    if (character === '.') return modelOfIPv4(text);
    if (character === ':') return modelOfIPv6(text);
    if (character === '%') return undefined;
  }
  return undefined;
}

function modelOfIPv4(text: string): number[] | undefined {
  const fields = text.split('.');
  const isValid = (field: string) => /^[0-9]+$/.test(field) && Number(field) <= 255 && String(Number(field)) === field;
  return fields.length === 4 && fields.every(isValid) ? fields.map(Number) : undefined;
}

/** node:net knows the grammar, and URL (WHATWG) writes every address as hexadecimal groups with one `::` at most. */
function modelOfIPv6(text: string): number[] | undefined {
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const [head = '', tail] = new URL(`http://[${text}]/`).hostname.slice(1, -1).split('::');
  const left = bytesOf(head);
  const right = bytesOf(tail ?? '');
  return [...left, ...new Array<number>(16 - left.length - right.length).fill(0), ...right];
}

function bytesOf(groups: string): readonly number[] {
  const values = groups === '' ? [] : groups.split(':').map((group) => Number.parseInt(group, 16));
  return values.flatMap((value) => [value >> 8, value & 255]);
}
