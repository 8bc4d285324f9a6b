import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress, parseCidr } from '../../../src/net/cidr.ts';
import type { NodeAddress } from '../../../src/net/node-address.ts';
import { chooseAddress } from '../../../src/policy/node-address.ts';

function own(text: string, more: Partial<NodeAddress> = {}): NodeAddress {
  const [address = '', prefix] = text.split('/');
  const parsed = parseAddress(address);
  if (!parsed) throw new Error(text);
  return {
    ...parsed,
    prefix: Number(prefix ?? 24),
    interface: 'eth0',
    isGlobal: true,
    isUnusable: false,
    isTemporary: false,
    isSecondary: false,
    isLoopback: false,
    ...more,
  };
}

function choose(text: string, addresses: readonly NodeAddress[] | undefined): string {
  const isNetwork = text.includes('/');
  const cidr = parseCidr(isNetwork ? text : `${text}/${text.includes(':') ? 128 : 32}`);
  if (!cidr) throw new Error(text);
  const choice = chooseAddress({ cidr, isNetwork }, addresses);
  return 'value' in choice ? formatAddress(cidr.family, choice.value) : `idle: ${choice.idle}`;
}

describe('the address that an entry stands for', () => {
  it('is the very one that it names, where the node has it', () => {
    expect(choose('192.0.2.10', [own('192.0.2.10')])).toBe('192.0.2.10');
    expect(choose('192.0.2.10', [own('192.0.2.11')])).toBe('idle: the node does not have this address');
    expect(choose('192.0.2.10', undefined), 'any node').toBe('192.0.2.10');
  });

  it('may be on any interface, but must be good for new connections anywhere', () => {
    expect(choose('192.0.2.10', [own('192.0.2.10/32', { interface: 'lo', isLoopback: true })])).toBe('192.0.2.10');
    expect(choose('2001:db8::1', [own('2001:db8::1', { isUnusable: true })])).toContain('idle');
    expect(choose('169.254.1.1', [own('169.254.1.1', { isGlobal: false })])).toContain('idle');
  });

  it('is the only one of the node in a network', () => {
    const addresses = [own('192.0.2.10'), own('198.51.100.7')];
    expect(choose('192.0.2.0/24', addresses)).toBe('192.0.2.10');
    expect(choose('198.51.100.0/24', addresses)).toBe('198.51.100.7');
    expect(choose('203.0.113.0/24', addresses)).toBe('idle: the node has no address in 203.0.113.0/24');
    expect(choose('192.0.2.0/24', undefined)).toContain('not known here');
  });

  it('is not one of a Service, of loopback or for privacy', () => {
    const services = Array.from({ length: 50 }, (_, index) =>
      own(`192.0.2.${index + 100}/32`, { interface: 'kube-ipvs0' }),
    );
    expect(choose('192.0.2.0/24', [...services, own('192.0.2.10')])).toBe('192.0.2.10');
    expect(choose('192.0.2.0/24', services)).toContain('idle');
    expect(choose('192.0.2.0/24', [own('192.0.2.9/32', { isLoopback: true }), own('192.0.2.10')])).toBe('192.0.2.10');
    expect(choose('2001:db8::/64', [own('2001:db8::aa', { isTemporary: true }), own('2001:db8::1')])).toBe(
      '2001:db8::1',
    );
  });

  it('is, of several, the one that is neither secondary nor a host route', () => {
    const primary = own('192.0.2.10/24');
    expect(choose('192.0.2.0/24', [own('192.0.2.11/24', { isSecondary: true }), primary])).toBe('192.0.2.10');
    expect(choose('192.0.2.0/24', [own('192.0.2.12/32'), primary])).toBe('192.0.2.10');
    expect(choose('192.0.2.0/24', [own('192.0.2.11/24'), primary])).toBe(
      'idle: the node has several addresses in 192.0.2.0/24: 192.0.2.11, 192.0.2.10',
    );
  });

  it('is one address where two interfaces have the same', () => {
    expect(choose('192.0.2.0/24', [own('192.0.2.10'), own('192.0.2.10', { interface: 'eth1' })])).toBe('192.0.2.10');
  });
});
