import { expect, test } from 'vitest';
import { anyHost, hostOf } from '../../../src/policy/host.ts';
import { addressOf } from '../../generators/plain-policy.ts';

const host = hostOf([
  { address: '127.0.0.1', cidr: '127.0.0.1/8', internal: true },
  { address: '192.0.2.65', cidr: '192.0.2.65/26', internal: true },
  { address: '::1', cidr: '::1/128', internal: true },
  { address: '2001:db8::53', cidr: '2001:db8::53/64', internal: true },
  { address: '10.0.0.7', cidr: '10.0.0.7/24', internal: false },
  { address: 'fe80::a', cidr: 'fe80::a/64', internal: false },
  { address: '10.0.1.7', cidr: null, internal: true },
]);

test.each([
  // Addresses of interfaces, but not their neighbours.
  ['10.0.0.7', true],
  ['10.0.0.6', false],
  ['10.0.0.8', false],
  ['fe80::a', true],
  ['fe80::b', false],
  ['10.0.1.7', true],
  ['10.0.1.6', false],
  // On a loopback interface whole IPv4 networks, but no IPv6 networks.
  ['192.0.2.63', false],
  ['192.0.2.64', true],
  ['192.0.2.127', true],
  ['192.0.2.128', false],
  ['2001:db8::53', true],
  ['2001:db8::54', false],
  // The families are apart: ::a00:7 has the number of 10.0.0.7.
  ['::a00:7', false],
  ['127.9.9.9', true],
  ['::1', true],
])('%s is an address of the host: %s', (address, expected) => {
  expect(host.isLocal(addressOf(address))).toBe(expected);
});

test.each([
  ['126.255.255.255', false],
  ['127.0.0.0', true],
  ['127.255.255.255', true],
  ['128.0.0.0', false],
  ['0.0.0.1', false],
  ['::', false],
  ['::1', true],
  ['::2', false],
  ['::7f00:1', false],
  ['10.0.0.7', false],
])('of a host that is not known, %s is an address: %s', (address, expected) => {
  expect(anyHost.isLocal(addressOf(address))).toBe(expected);
  expect(hostOf([]).isLocal(addressOf(address))).toBe(expected);
});
