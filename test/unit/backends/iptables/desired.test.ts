import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createIptablesBackend } from '../../../../src/backends/iptables/backend.ts';
import { desiredChains } from '../../../../src/backends/iptables/desired.ts';
import { parsePortRanges } from '../../../../src/net/port-range.ts';
import type { Policy } from '../../../../src/policy/policy.ts';
import { policyWith } from '../../../builders/policy.ts';
import { fakeRunner } from '../../../fakes/runner.ts';
import { formatBits } from '../../../generators/bits.ts';
import { naiveDecision } from '../../../generators/naive-decision.ts';
import { toPolicy } from '../../../generators/plain-policy.ts';
import { packetAims, policies as plainPolicies, takeAim } from '../../../generators/policies.ts';
import { verdictOf } from './chain-walk.ts';

const chain = 'IP-MASQ-AGENT';

const everyList = {
  masqueradeSources: ['10.0.0.0/8', '100.64.0.0/10'],
  forceMasquerade: ['10.9.0.0/16', '192.0.2.1/32'],
  keepSources: ['10.1.0.0/16'],
  keepDestinations: ['192.168.0.0/16', '172.16.0.0/12'],
};
const toPorts = [
  { first: 1024, last: 29_999 },
  { first: 30_000, last: 30_000 },
  { first: 32_768, last: 65_535 },
];

const policies: Record<string, Policy> = {
  'upstream-defaults': policyWith({
    ipv4: { keepDestinations: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'] },
    ipv6: {},
  }),
  'tke-sample': policyWith({
    ipv4: { masqueradeLinkLocal: true, keepSources: ['10.0.0.0/12'], keepDestinations: ['192.168.0.0/16'] },
  }),
  everything: policyWith({ ipv4: { keepDestinations: ['0.0.0.0/0'] }, ipv6: { keepDestinations: ['::/0'] } }),
  'every-list': policyWith({ ipv4: everyList, ipv6: { forceMasquerade: ['2001:db8::/32'] }, toPorts }),
  'outbound-off': policyWith({
    ipv4: { ...everyList, masqueradeOutbound: false },
    ipv6: { masqueradeOutbound: false, masqueradeLinkLocal: true },
    randomFully: false,
  }),
};

function render(policy: Policy): string {
  const backend = createIptablesBackend({ flavour: 'nft', chain, runner: fakeRunner([]) });
  return backend
    .render(policy)
    .map(({ command, text }) => `# ${command.join(' ')}\n${text}`)
    .join('');
}

describe('the ruleset of a policy', () => {
  it.each(Object.keys(policies))('%s is as recorded', async (name) => {
    const policy = policies[name] ?? policyWith({});
    await expect(render(policy)).toMatchFileSnapshot(`../../../fixtures/iptables/${name}.restore`);
  });

  it('gives every packet the verdict of the specification', () => {
    void fc.assert(
      fc.property(plainPolicies, packetAims, (plain, aim) => {
        const packet = takeAim(plain, aim);
        const policy = toPolicy(plain);
        const familyPolicy = policy[packet.family];
        fc.pre(familyPolicy.enabled);
        const verdict = verdictOf(desiredChains(familyPolicy, policy, chain), {
          source: formatBits(packet.family, packet.source),
          destination: formatBits(packet.family, packet.destination),
        });
        expect(verdict).toBe(naiveDecision(plain, packet, false).verdict);
      }),
    );
  });

  it('does not repeat forced networks for each range of ports', () => {
    const { chains } = desiredChains(
      policyWith({ ipv4: everyList, toPorts }).ipv4,
      { randomFully: true, toPorts },
      chain,
    );
    const forced = chains.flatMap(({ rules }) => rules).filter((rule) => rule.includes('-d 10.9.0.0/16'));
    expect(forced).toHaveLength(1);
  });

  it('has chain names that the kernel takes, each its own, for the longest name that is allowed', () => {
    const longest = ['A'.repeat(28), `${'A'.repeat(27)}B`];
    const names = longest.flatMap((name) =>
      desiredChains(policyWith({ ipv4: everyList }).ipv4, { randomFully: true, toPorts }, name).chains.map(
        (made) => made.name,
      ),
    );
    expect(names.every((name) => name.length <= 28)).toBe(true);
    expect(new Set(names).size).toBe(6);
  });

  it.each([
    ['1024-29999,32768-65535', ['0.46929256292', undefined]],
    ['1024,65535', ['0.50000000000', undefined]],
    ['1024-2000,1500-3000', ['0.39426957211', undefined]],
    ['1-3,11-13,21-23', ['0.33333333349', '0.50000000000', undefined]],
  ])('chooses among the port ranges %s with the chances that upstream gives them', (text, expected) => {
    const reading = parsePortRanges(text);
    if (!reading.ok) throw new Error(reading.message);
    const { chains } = desiredChains(policyWith({}).ipv4, { randomFully: true, toPorts: reading.ranges }, chain);
    for (const protocol of ['tcp', 'udp', 'sctp']) {
      const rules = chains[0]?.rules.filter((rule) => rule.includes(`-p ${protocol}`)) ?? [];
      expect(rules.map((rule) => /--probability (\S+)/.exec(rule)?.[1])).toEqual(expected);
    }
  });
});
