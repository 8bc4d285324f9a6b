import { describe, expect, it } from 'vitest';
import { natRuleOfIptables } from '../../../../src/backends/foreign/iptables-rule.ts';
import { parseRule } from '../../../../src/backends/iptables/rule-text.ts';
import type { Policy } from '../../../../src/policy/policy.ts';
import { policyWith } from '../../../builders/policy.ts';
import { caughtBy } from './chains.ts';

const defaults = policyWith({ ipv4: { keepDestinations: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'] } });
const onlyTen = policyWith({ ipv4: { masqueradeLinkLocal: true, keepDestinations: ['10.0.0.0/8'] } });

function caught(chains: Readonly<Record<string, readonly string[]>>, policy: Policy): Promise<readonly string[]> {
  return caughtBy(chains, (rule) => natRuleOfIptables(parseRule(rule), 'ipv4'), policy);
}

const kubenet =
  '-A POSTROUTING ! -d 10.0.0.0/8 -m comment --comment "kubenet: SNAT for outbound traffic from cluster" -m addrtype ! --dst-type LOCAL -j MASQUERADE';

describe('a rule of another program catches what the agent keeps', () => {
  it.each([
    ['masquerades everything', ['-A POSTROUTING -j MASQUERADE']],
    ['rewrites to one address', ['-A POSTROUTING -o eth0 -j SNAT --to-source 192.0.2.1']],
    ['is about some sources', ['-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE']],
    ['is about some destinations that are kept', ['-A POSTROUTING -d 10.1.0.0/16 -j MASQUERADE']],
    ['spares fewer destinations than the agent', [kubenet]],
  ])('where it %s', async (_, rules) => {
    expect(await caught({ POSTROUTING: rules }, defaults)).toEqual(rules);
  });

  it.each([
    ['is about destinations that are masqueraded anyway', ['-A POSTROUTING -d 203.0.113.0/24 -j MASQUERADE']],
    ['spares all that the agent keeps', [kubenet]],
    ['is for marked packets', ['-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE']],
    [
      'comes after all unmarked packets have left',
      ['-A POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN', '-A POSTROUTING -j MASQUERADE --random-fully'],
    ],
    ['comes after a rule that spares them', ['-A POSTROUTING -d 10.0.0.0/8 -j ACCEPT', '-A POSTROUTING -j MASQUERADE']],
    ['does no NAT', ['-A POSTROUTING -j MARK --set-xmark 0x1/0x1', '-A POSTROUTING']],
  ])('but not where it %s', async (_, rules) => {
    expect(await caught({ POSTROUTING: rules }, onlyTen)).toEqual([]);
  });

  it.each([
    ['only some protocols', '-A POSTROUTING -d 10.0.0.0/8 -p tcp -j RETURN'],
    ['only some sources', '-A POSTROUTING -s 10.0.0.0/8 -j RETURN'],
    ['a set that is not read', '-A POSTROUTING -m set --match-set kept dst -j RETURN'],
    ['marked packets', '-A POSTROUTING -m mark --mark 0x1 -j RETURN'],
    ['unmarked packets of some sources', '-A POSTROUTING -s 10.0.0.0/8 -m mark --mark 0x0 -j RETURN'],
  ])('though a rule before it spares %s', async (_, sparing) => {
    expect(await caught({ POSTROUTING: [sparing, '-A POSTROUTING -j MASQUERADE'] }, onlyTen)).toHaveLength(1);
  });

  it('is found in the chains that POSTROUTING leads to, each looked into once', async () => {
    const chains = {
      POSTROUTING: [
        '-A POSTROUTING -d 10.0.0.0/8 -j A',
        '-A POSTROUTING -d 203.0.113.0/24 -j B',
        '-A POSTROUTING -j A',
      ],
      A: ['-A A -j LOG', '-A A -d 10.9.0.0/16 -j RETURN', '-A A -g C'],
      B: ['-A B -j MASQUERADE'],
      C: ['-A C -d 10.9.0.0/24 -j MASQUERADE', '-A C -d 10.8.0.0/16 -j MASQUERADE', '-A C -j A'],
    };
    expect(await caught(chains, onlyTen)).toEqual(['-A C -d 10.8.0.0/16 -j MASQUERADE']);
  });

  it('is harmless in the chain of GKE as long as the agent keeps no more than that', async () => {
    const chains = {
      POSTROUTING: ['-A POSTROUTING -m addrtype ! --dst-type LOCAL -j IP-MASQ'],
      'IP-MASQ': [
        ...['169.254.0.0/16', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].map(
          (network) => `-A IP-MASQ -d ${network} -m comment --comment "ip-masq: local traffic" -j RETURN`,
        ),
        '-A IP-MASQ -m comment --comment "ip-masq: outbound traffic" -j MASQUERADE',
      ],
    };
    expect(await caught(chains, defaults)).toEqual([]);
    const more = policyWith({ ipv4: { keepDestinations: ['10.0.0.0/8', '100.64.0.0/10'] } });
    expect(await caught(chains, more)).toHaveLength(1);
  });
});

describe('what the agent keeps', () => {
  const everywhereElse = ['-A POSTROUTING -d 203.0.113.0/24 -j MASQUERADE'];

  it.each([
    ['sources wherever they go', { keepSources: ['192.0.2.0/24'] }],
    ['sources outside of a list', { masqueradeSources: ['192.0.2.0/24'] }],
    ['all destinations', { masqueradeOutbound: false }],
  ])('may be %s', async (_, ipv4) => {
    expect(await caught({ POSTROUTING: everywhereElse }, policyWith({ ipv4 }))).toEqual(everywhereElse);
  });

  it.each([
    [
      'forced',
      { forceMasquerade: ['203.0.113.0/24'], keepDestinations: ['203.0.113.0/25'], keepSources: ['192.0.2.1/32'] },
    ],
    ['in a family that is off', { enabled: false, keepDestinations: ['203.0.113.0/24'] }],
  ])('is not %s', async (_, ipv4) => {
    expect(await caught({ POSTROUTING: everywhereElse }, policyWith({ ipv4 }))).toEqual([]);
  });

  it('may be link-local', async () => {
    const chains = { POSTROUTING: ['-A POSTROUTING -d 169.254.169.254/32 -j MASQUERADE'] };
    expect(await caught(chains, policyWith({}))).toHaveLength(1);
    expect(await caught(chains, policyWith({ ipv4: { masqueradeLinkLocal: true } }))).toEqual([]);
  });
});
