import { describe, expect, test } from 'vitest';
import { type ConnectionQuery, parseConnectionQuery, parseProtocol } from '../../../src/policy/packet.ts';
import { packetOf } from '../../generators/plain-policy.ts';

describe('protocols', () => {
  test.each([
    ['tcp', 'tcp'],
    ['UDP', 'udp'],
    ['6', 'tcp'],
    ['017', 'udp'],
    ['132', 'sctp'],
    ['icmpv6', 'icmpv6'],
    ['ipv6-icmp', 'icmpv6'],
    ['58', 'icmpv6'],
    ['0', '0'],
    ['255', '255'],
  ])('%s is %s', (text, protocol) => {
    expect(parseProtocol(text)).toBe(protocol);
  });

  test.each(['', 'tpc', '256', '-1', '6.0', '1e2', '0x6', ' tcp', 'tcp,udp'])('%j is no protocol', (text) => {
    expect(parseProtocol(text)).toBeUndefined();
  });
});

describe('queries', () => {
  test.each<[ConnectionQuery, ...Parameters<typeof packetOf>]>([
    [{ source: '10.1.2.3', destination: '8.8.8.8' }, '10.1.2.3', '8.8.8.8'],
    [{ source: 'fd00::1', destination: '2001:DB8:0::8', protocol: 'SCTP' }, 'fd00::1', '2001:db8::8', 'sctp'],
    [{ source: '10.1.2.3', destination: '8.8.8.8', protocol: '17' }, '10.1.2.3', '8.8.8.8', 'udp'],
  ])('reads %j', (query, ...packet) => {
    expect(parseConnectionQuery(query)).toEqual({ ok: true, packet: packetOf(...packet) });
  });

  const expectedAddress =
    'expected one IPv4 or IPv6 address without a prefix length or zone, e.g. 10.1.2.3 or 2001:db8::1';

  test.each<[ConnectionQuery, string]>([
    [
      { source: '10.1.2.0/24', destination: '8.8.8.8' },
      `"10.1.2.0/24" can't be the source of a connection; ${expectedAddress}`,
    ],
    [
      { source: '10.1.2.3', destination: 'example.org' },
      `"example.org" can't be the destination of a connection; ${expectedAddress}`,
    ],
    [
      { source: 'fe80::1%eth0', destination: 'fe80::2' },
      `"fe80::1%eth0" can't be the source of a connection; ${expectedAddress}`,
    ],
    [
      { source: '::ffff:10.1.2.3', destination: '::1' },
      '"::ffff:10.1.2.3" can\'t be the source of a connection; expected the IPv4 address itself: packets never carry the IPv4-mapped form',
    ],
    [
      { source: '10.1.2.3', destination: 'fd00::1' },
      '"10.1.2.3" and "fd00::1" are not of the same family; expected two IPv4 or two IPv6 addresses',
    ],
  ])('refuses %j', (query, message) => {
    expect(parseConnectionQuery(query)).toEqual({ ok: false, message });
  });

  test('names the protocols where one is not known', () => {
    const reading = parseConnectionQuery({ source: '10.1.2.3', destination: '8.8.8.8', protocol: 'tpc' });
    expect(reading).toMatchObject({
      ok: false,
      message: expect.stringMatching(
        /^"tpc" is not a protocol; expected icmp, .*tcp, udp, .* or a number from 0 to 255$/,
      ),
    });
  });

  test('an address that has the number of an IPv4-mapped one but is IPv4 is fine', () => {
    expect(parseConnectionQuery({ source: '0.0.255.255', destination: '255.255.0.1' }).ok).toBe(true);
  });
});
