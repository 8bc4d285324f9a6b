import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCidr } from '../../../src/net/cidr.ts';
import { findPodRoutes, podRoutesAmong } from '../../../src/system/pod-routes.ts';
import { parseIPv4Routes, parseIPv6Routes } from '../../../src/system/route-table.ts';

/** Recorded on a node (amd64) that has the devices of several network plugins, of Docker and of libvirt. */
const ipv4 = readFileSync('test/fixtures/proc/route', 'utf8');
const ipv6 = readFileSync('test/fixtures/proc/ipv6_route', 'utf8');

const all = () => true;
const textOf = ({ cidr, device }: { cidr: { text: string }; device: string }): string => `${cidr.text} ${device}`;

/** The Pod networks among routes to a device, written as `ip route` has them. */
function podsOf(device: string, network: string, gateway?: string): string[] {
  const [address = '', prefix = ''] = network.split('/');
  const hex = (text: string): string => Buffer.from(text.split('.').map(Number)).toString('hex');
  const mask = (2 ** 32 - 2 ** (32 - Number(prefix))).toString(16).padStart(8, '0');
  const flags = gateway === undefined ? '0001' : '0003';
  const line = [device, hex(address), hex(gateway ?? '0.0.0.0'), flags, 0, 0, 0, mask, 0, 0, 0].join('\t');
  return podRoutesAmong(parseIPv4Routes(`Iface\t…\n${line}\n`, all, 'BE')).map(textOf);
}

describe('routes of the node', () => {
  it('are read from /proc/net/route', () => {
    const routes = parseIPv4Routes(ipv4, all, 'LE');
    expect(routes.map((route) => `${textOf(route)}${route.hasGateway ? ' via' : ''}`)).toEqual([
      '0.0.0.0/0 eth0 via',
      '10.10.0.0/24 antrea-gw0',
      '10.96.0.0/12 antrea-gw0 via',
      '10.244.0.0/24 flannel.1 via',
      '10.244.1.0/24 flannel.1 via',
      '10.244.3.0/24 cni0',
      '10.245.7.128/26 *',
      '10.245.7.130/32 cali0123456789a',
      '100.64.9.7/32 eni0a1b2c3d4e5',
      '172.17.0.0/16 docker0',
      '172.18.0.0/16 br-1a2b3c4d5e6f',
      '192.0.2.0/24 eth0',
      '192.168.122.0/24 virbr0',
    ]);
  });

  it('are only those to the devices that are wanted', () => {
    const isWanted = (device: string) => device === 'cni0';
    const routes = [...parseIPv4Routes(ipv4, isWanted, 'LE'), ...parseIPv6Routes(ipv6, isWanted)];
    expect(new Set(routes.map(textOf))).toEqual(
      new Set(['10.244.3.0/24 cni0', 'fd00:244:3::/64 cni0', 'fe80::/64 cni0', 'ff00::/8 cni0']),
    );
  });

  it('are read from /proc/net/ipv6_route, without the addresses of the node and what is unreachable', () => {
    const routes = parseIPv6Routes(ipv6, all).filter(({ cidr }) => !/^f[ef]/.test(cidr.text));
    expect(routes.map(textOf)).toEqual([
      '2001:db8::/64 eth0',
      'fd00:244:3::/64 cni0',
      'fd00:245::1:82/128 cali0123456789a',
      '::/0 eth0',
    ]);
  });

  it.each(['', '\n', 'Iface\tDestination\n', 'eth0\t000200C0\n', 'cni0\t0003F40A\t00000000\t0001\t0\t0\t0\t00FF'])(
    'are none in %j',
    (text) => {
      expect(parseIPv4Routes(text, all, 'LE')).toEqual([]);
      expect(parseIPv6Routes(text, all)).toEqual([]);
    },
  );
});

describe('damaged tables', () => {
  it('give whole networks or none', () => {
    const word = fc.oneof(
      fc.constantFrom('cni0', '0', '0001', '00000000', 'FFFFFFFF', '0'.repeat(32), '80', 'g'),
      fc.string(),
    );
    const damaged = fc
      .array(fc.array(word, { maxLength: 12 }).map((words) => words.join('\t')))
      .map((rows) => rows.join('\n'));
    fc.assert(
      fc.property(damaged, (text) => {
        const routes = [...parseIPv4Routes(text, all, 'LE'), ...parseIPv6Routes(text, all)];
        for (const { cidr } of routes) expect(parseCidr(cidr.text)).toEqual(cidr);
        expect(podRoutesAmong(routes).length).toBeLessThanOrEqual(routes.length);
      }),
    );
  });
});

describe('routes to Pods', () => {
  it('are those to devices of network plugins', () => {
    expect(podRoutesAmong([...parseIPv4Routes(ipv4, all, 'LE'), ...parseIPv6Routes(ipv6, all)]).map(textOf)).toEqual([
      '10.10.0.0/24 antrea-gw0',
      '10.244.0.0/24 flannel.1',
      '10.244.1.0/24 flannel.1',
      '10.244.3.0/24 cni0',
      '10.245.7.130/32 cali*',
      '100.64.9.7/32 eni*',
      'fd00:244:3::/64 cni0',
      'fd00:245::1:82/128 cali*',
    ]);
  });

  it.each(['cbr0', 'kube-bridge', 'weave', 'flannel0', 'flannel-v6.1', 'flannel-wg', 'vxlan.calico', 'cilium_host'])(
    'are those to %s',
    (device) => {
      expect(podsOf(device, '100.64.1.0/24')).toEqual([`100.64.1.0/24 ${device}`]);
    },
  );

  it.each(['gke0a1b2c3d4e5', 'azv0a1b2c3', 'lxc0a1b2c3d4e5f', 'veth0a1b2c3d'])(
    'to %s are those to one Pod',
    (device) => {
      expect(podsOf(device, '100.64.1.7/32')).toEqual([expect.stringMatching(/^100\.64\.1\.7\/32 [a-z]+\*$/)]);
      expect(podsOf(device, '100.64.1.0/24')).toEqual([]);
    },
  );

  it('by tunl0 have a gateway, and none by the devices that lead to Services, too', () => {
    expect(podsOf('tunl0', '10.244.2.0/26', '192.0.2.11')).toEqual(['10.244.2.0/26 tunl0']);
    expect(podsOf('tunl0', '203.0.113.0/24')).toEqual([]);
    expect(podsOf('ovn-k8s-mp0', '10.128.2.0/23')).toEqual(['10.128.2.0/23 ovn-k8s-mp0']);
    expect(podsOf('ovn-k8s-mp0', '172.30.0.0/16', '10.128.2.1')).toEqual([]);
  });

  it.each(['eth0', 'ens5', 'bond0', 'docker0', 'br-0a1b2c3d4e5f', 'virbr0', 'cni-podman0', 'lxcbr0', 'lxdbr0', 'tun0'])(
    'are not those to %s',
    (device) => {
      expect(podsOf(device, '100.64.1.0/24')).toEqual([]);
      expect(podsOf(device, '100.64.1.7/32')).toEqual([]);
    },
  );

  it.each(['vethwan', 'eni0', 'califax', 'gke1', 'lxc1', 'azvpn'])(
    'are not those to %s, named by a person',
    (device) => {
      expect(podsOf(device, '100.64.1.7/32')).toEqual([]);
    },
  );

  it.each(['0.0.0.0/0', '128.0.0.0/1', '169.254.1.0/24', '224.0.0.0/24'])('never lead to %s', (network) => {
    expect(podsOf('cni0', network)).toEqual([]);
  });

  it('are looked for on this machine without failing', async () => {
    expect(Array.isArray(await findPodRoutes())).toBe(true);
  });
});
