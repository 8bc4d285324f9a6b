import { expect, it } from 'vitest';
import {
  hostWith,
  localNetworksOfRoutes,
  localNetworksOfTrie,
  readLocalAddresses,
} from '../../../src/connections/local-addresses.ts';
import { addressOf } from '../../generators/plain-policy.ts';

const trie = `Main:
  +-- 0.0.0.0/0 3 0 5
     +-- 0.0.0.0/4 2 0 2
        |-- 0.0.0.0
           /0 universe UNICAST
        +-- 10.244.7.0/24 2 0 2
           +-- 10.244.7.0/31 1 0 0
              |-- 10.244.7.0
                 /24 link UNICAST
              |-- 10.244.7.1
                 /32 host LOCAL
           |-- 10.244.7.255
              /32 link BROADCAST
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.0
           /8 host LOCAL
     |-- 192.0.2.0
        /24 host LOCAL
`;
const routes = `fd000244000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000003 00000000 00000001      pod
20010db8000100000000000000000010 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000006 00000000 80200001    world
20010db8007700000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000400 00000001 00000000 80000001       lo
`;

it.each([
  ['10.244.7.1', true],
  ['10.244.7.2', false],
  ['10.244.7.0', false],
  ['127.9.9.9', true],
  ['192.0.2.200', true],
  ['2001:db8:1::10', true],
  ['2001:db8:77::1234', true],
  ['fd00:244::', false],
  ['::1', true],
])('of the routes of a kernel, %s is local: %s', (address, isLocal) => {
  const host = hostWith([...localNetworksOfTrie(trie), ...localNetworksOfRoutes(routes)]);
  expect(host.isLocal(addressOf(address))).toBe(isLocal);
});

it('this machine has its loopback address', async () => {
  expect((await readLocalAddresses()).isLocal(addressOf('127.0.0.1'))).toBe(true);
});
