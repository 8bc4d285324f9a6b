import { describe, expect, it } from 'vitest';
import { natRuleOfNft } from '../../../../src/backends/foreign/nft-rule.ts';
import type { Family } from '../../../../src/net/family.ts';
import { policyWith } from '../../../builders/policy.ts';
import { caughtBy } from './chains.ts';

const policy = policyWith({
  ipv4: { masqueradeLinkLocal: true, keepDestinations: ['10.0.0.0/8', '192.0.2.1/32'] },
  ipv6: { masqueradeLinkLocal: true, keepDestinations: ['fd00::/8'] },
});

/** `>` before a name begins a chain; the rules before the first stand in POSTROUTING. */
function caught(rules: readonly string[], family: Family = 'ipv4'): Promise<readonly string[]> {
  const chains: Record<string, string[]> = {};
  let chain = 'POSTROUTING';
  for (const rule of rules) {
    if (rule.startsWith('>')) chain = rule.slice(1);
    else chains[chain] = [...(chains[chain] ?? []), rule];
  }
  return caughtBy(chains, (rule) => natRuleOfNft(rule, family), policy, family);
}

describe('a rule of nft catches what the agent keeps', () => {
  it.each([
    ['masquerade'],
    ['ip saddr 172.17.0.0/16 oifname != "docker0" counter packets 3 bytes 240 masquerade fully-random'],
    ['oifname "eth0" snat to 192.0.2.1'],
    ['ip daddr 10.1.2.3 masquerade'],
    ['ip daddr { 203.0.113.0/24, 10.9.9.1-10.9.9.7 } masquerade'],
    ['ip daddr != 10.88.0.0/16 masquerade comment "net: podman return"'],
    ['ip daddr != { 10.0.0.0/8, 172.16.0.0/12 } masquerade'],
    ['ip daddr @nodes masquerade'],
    ['iifname "return" masquerade'],
  ])('%s', async (rule) => {
    expect(await caught([rule])).toEqual([rule]);
  });

  it.each([
    ['ip daddr 203.0.113.0/24 masquerade'],
    ['ip daddr != { 10.0.0.0/8, 192.0.2.0-192.0.2.255 } masquerade'],
    ['meta mark & 0x00002000 == 0x00002000 masquerade'],
    ['meta mark 0x00004000 masquerade'],
    ['ct mark != 0x00000000 masquerade'],
    ['ip6 saddr fd00:88::/64 masquerade'],
    ['meta nfproto ipv6 masquerade'],
    ['counter packets 0 bytes 0'],
    ['oifname "masquerade" accept'],
  ])('but not %s', async (rule) => {
    expect(await caught([rule])).toEqual([]);
  });

  it.each([
    ['meta mark & 0x00004000 == 0x00000000 return'],
    ['meta mark 0x00000000 counter packets 1 bytes 2 return'],
    ['ip daddr { 10.0.0.0/8, 192.0.2.1 } counter packets 5 bytes 7 accept comment "kept"'],
    ['accept'],
  ])('nor one after %s', async (rule) => {
    expect(await caught([rule, 'masquerade'])).toEqual([]);
  });

  it.each([
    ['ip daddr @kept return'],
    ['ip saddr 10.0.0.0/8 ip daddr { 10.0.0.0/8, 192.0.2.1 } return'],
    ['ct state established,related accept'],
    ['fib daddr type local accept'],
    ['meta mark & 0x00004000 == 0x00004000 return'],
    ['ip daddr 10.0.0.0/9 return'],
    ['ip6 daddr ff00::/8 return'],
  ])('but one after %s', async (rule) => {
    expect(await caught([rule, 'masquerade'])).toEqual(['masquerade']);
  });

  it('is found behind jumps, gotos and verdict maps', async () => {
    const rules = [
      'ip saddr 10.88.0.5 goto masq_checks comment "x"',
      'iifname vmap { "docker0" : jump out/docker0, "br-1" : goto out.br-1 }',
      '>masq_checks',
      'ip daddr 224.0.0.0/4 return',
      'ip daddr != 10.88.0.0/16 masquerade',
      '>out/docker0',
      'ip saddr 172.17.0.0/16 counter packets 0 bytes 0 masquerade',
      '>out.br-1',
      'masquerade random',
    ];
    expect(await caught(rules)).toHaveLength(3);
  });

  it('is judged for each family of an inet table', async () => {
    const rules = ['ip6 daddr fd00::/8 return', 'ip saddr 10.0.0.0/8 masquerade', 'masquerade'];
    expect(await caught(rules, 'ipv4')).toEqual(['ip saddr 10.0.0.0/8 masquerade', 'masquerade']);
    expect(await caught(rules, 'ipv6')).toEqual([]);
  });
});
