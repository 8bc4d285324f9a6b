import { expect, test } from 'vitest';
import { parseProtocol } from '../../../src/policy/protocol.ts';

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
