import { describe, expect, it } from 'vitest';
import type { Config, Sourced } from '../../../src/config/config.ts';
import { type Cidr, parseCidr } from '../../../src/net/cidr.ts';
import { buildPolicy, type PolicyOptions } from '../../../src/policy/build.ts';

const options: PolicyOptions = { enableIPv6: true, randomFully: true, toPorts: [] };

function list(...texts: string[]): Sourced<Cidr>[] {
  return texts.flatMap((text, index) => {
    const value = parseCidr(text);
    return value ? [{ value, source: { file: 'config', line: index + 1, column: 3 } }] : [];
  });
}

function setting<T>(value: T): Sourced<T> {
  return { value, source: 'default' };
}

const config: Config = {
  nonMasqueradeCIDRs: list('192.168.0.0/16', 'fd00::/8', '10.0.0.0/8', '192.168.0.0/16', '10.1.0.0/16'),
  nonMasqueradeSrcCIDRs: list('10.2.0.0/16'),
  forceMasqueradeCIDRs: list('2001:db8::/32'),
  masqueradeSrcCIDRs: list('10.0.0.0/8'),
  masqLinkLocal: setting(true),
  masqLinkLocalIPv6: setting(false),
  masqOutBound: setting(true),
  masqOutBoundIPv6: setting(false),
  cidrLimit: setting(64),
  rejudgeConnections: setting('none'),
  outputAddresses: [],
  resyncIntervalMs: setting(60_000),
  resyncInterval: '1m0s',
};

describe('buildPolicy', () => {
  const policy = buildPolicy(config, options);

  it('keeps the order of the config, drops exact duplicates and merges nothing', () => {
    expect(policy.ipv4.keepDestinations.map(({ cidr }) => cidr.text)).toEqual([
      '192.168.0.0/16',
      '10.0.0.0/8',
      '10.1.0.0/16',
    ]);
  });

  it('names the first place of a duplicate', () => {
    expect(policy.ipv4.keepDestinations[0]?.source).toEqual({ file: 'config', line: 1, column: 3 });
  });

  it('parts the families', () => {
    expect(policy.ipv6.keepDestinations.map(({ cidr }) => cidr.text)).toEqual(['fd00::/8']);
    expect(policy.ipv6.forceMasquerade.map(({ cidr }) => cidr.text)).toEqual(['2001:db8::/32']);
    expect(policy.ipv4.forceMasquerade).toEqual([]);
    expect(policy.ipv4.masqueradeSources.map(({ cidr }) => cidr.text)).toEqual(['10.0.0.0/8']);
    expect(policy.ipv6.masqueradeSources).toEqual([]);
    expect(policy.ipv4.keepSources.map(({ cidr }) => cidr.text)).toEqual(['10.2.0.0/16']);
  });

  it('takes each family’s switches from its own keys', () => {
    expect(policy.ipv4).toMatchObject({ masqueradeLinkLocal: true, masqueradeOutbound: true, enabled: true });
    expect(policy.ipv6).toMatchObject({ masqueradeLinkLocal: false, masqueradeOutbound: false, enabled: true });
  });

  it('passes the flags on', () => {
    const toPorts = [{ first: 1, last: 2 }];
    const other = buildPolicy(config, { enableIPv6: false, randomFully: false, toPorts });
    expect(other).toMatchObject({ randomFully: false, toPorts });
    expect(other.ipv6.enabled).toBe(false);
  });
});
