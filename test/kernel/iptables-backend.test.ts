import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import { jumpRule, quotedJumpRule } from '../../src/backends/iptables/desired.ts';
import { comments } from '../../src/backends/iptables/names.ts';
import { policyWith } from '../builders/policy.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { Namespace } from './harness/namespace.ts';
import { changeNatTable, flavours, iptablesBackendOn, natTableOf, toolOf } from './iptables-node.ts';

const chain = 'IP-MASQ-AGENT';
const jump = jumpRule(chain);
const quoted = quotedJumpRule(chain);
const foreign = '-A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE';

const policy = policyWith({
  ipv4: { keepDestinations: ['10.0.0.0/8', '172.16.0.0/12'], keepSources: ['192.0.2.1/32'] },
  ipv6: { keepDestinations: ['fd00::/8', '::102:304/128'] },
});
const withHelpers = policyWith({
  ipv4: { masqueradeSources: ['10.0.0.0/8', '0.0.0.0/0'], forceMasquerade: ['10.9.0.0/16'] },
  toPorts: [
    { first: 1024, last: 4096 },
    { first: 5000, last: 5000 },
    { first: 6000, last: 65_535 },
  ],
});

describeKernel('the iptables backends', () => {
  describe.each(flavours)('%s', (flavour) => {
    let node: Namespace;
    let backend: Backend;
    beforeEach(async () => {
      node = await Namespace.create('node');
      backend = iptablesBackendOn(node, flavour);
    });
    afterEach(() => node.delete());

    const rules = (family: 'ipv4' | 'ipv6' = 'ipv4') => natTableOf(node, flavour, family);
    const change = (...lines: string[]) => changeNatTable(node, flavour, 'ipv4', ...lines);

    it('is usable, absent at first, in sync after an apply, and writes nothing then', async () => {
      expect(await backend.probe()).toMatchObject({ usable: true });
      expect(await backend.observe(policy)).toMatchObject({ state: 'absent' });
      expect(await node.run('nft', 'list', 'ruleset')).toBe('');
      expect(await node.run('cat', '/proc/net/ip_tables_names')).toBe('');

      await backend.apply(policy);
      expect(await backend.observe(policy)).toEqual({ state: 'in-sync', differences: [] });
      const before = await node.run(`${toolOf(flavour, 'ipv4')}-save`, '-c', '-t', 'nat');
      await backend.apply(policy);
      expect(uncommented(await node.run(`${toolOf(flavour, 'ipv4')}-save`, '-c', '-t', 'nat'))).toBe(
        uncommented(before),
      );
    });

    it('goes from any policy to any other, and leaves nothing of the one before', async () => {
      await backend.apply(withHelpers);
      expect(await backend.observe(withHelpers)).toEqual({ state: 'in-sync', differences: [] });
      expect(await rules()).toContain(':IP-MASQ-AGENT.SRC - [0:0]');
      await backend.apply(policy);
      expect((await rules()).filter((line) => line.startsWith(':'))).toEqual([':IP-MASQ-AGENT - [0:0]']);
      expect(await rules('ipv6')).toContain(jump);
      await backend.apply(withHelpers);
      expect(await rules('ipv6')).toEqual([]);
    });

    it.each([
      ['a missing jump', [deletion(jump)], [`POSTROUTING does not jump to ${chain}`]],
      ['a second jump', [jump, jump], [`POSTROUTING jumps to ${chain} 3 times`]],
      ['a jump of v2.10', [quoted], [`old or altered jump: ${quoted}`]],
      [
        'a jump of v2.10 alone',
        [quoted, deletion(jump)],
        [`POSTROUTING does not jump to ${chain}`, `old or altered jump: ${quoted}`],
      ],
      [
        'a missing chain',
        [deletion(jump), `-F ${chain}`, `-X ${chain}`],
        [`POSTROUTING does not jump to ${chain}`, `chain ${chain} is missing`],
      ],
      [
        'a rule too many',
        [`-A ${chain} -s 9.9.9.9/32 -j RETURN`],
        [`rule that is not ours: -A ${chain} -s 9.9.9.9/32 -j RETURN`],
      ],
      [
        'a rule too few',
        [`-D ${chain} 2`],
        [`missing rule: -A ${chain} -s 192.0.2.1/32 -m comment --comment "${comments.keepSource}" -j RETURN`],
      ],
      [
        'rules in another order',
        [`-D ${chain} 1`, `-A ${chain} -d 169.254.0.0/16 -m comment --comment "${comments.keepDestination}" -j RETURN`],
        [`the rules of chain ${chain} stand in another order`],
      ],
    ])('sees and mends %s', async (_, lines, differences) => {
      await change(foreign);
      await backend.apply(policy);
      const right = await rules();
      await change(...lines);
      expect(await backend.observe(policy)).toEqual({
        state: 'drifted',
        differences: differences.map((difference) => `ipv4: ${difference}`),
      });
      await backend.apply(policy);
      expect(await rules()).toEqual(right);
    });

    it('does not mind where among other rules the jump stands, nor jumps with a comment of somebody else', async () => {
      await backend.apply(policy);
      await change(foreign, `-A POSTROUTING -m comment --comment "ip-masq: ours" -j ${chain}`);
      expect(await backend.observe(policy)).toMatchObject({ state: 'in-sync' });
    });

    it('cleans up every form and name of its rules, twice, and nothing else', async () => {
      await change(':OTHER - [0:0]', '-A OTHER -j RETURN', foreign);
      const before = await rules();
      await backend.apply(withHelpers);
      await change(quoted, jump, ':IP-MASQ - [0:0]', quotedJumpRule('IP-MASQ'), '-A IP-MASQ -j MASQUERADE');
      const removed = await backend.cleanup();
      expect(removed).toContain(`iptables-${flavour} ipv4: chain IP-MASQ`);
      expect(removed).toContain(`iptables-${flavour} ipv4: jump from POSTROUTING to ${chain}`);
      expect(await rules()).toEqual(before);
      expect(await backend.cleanup()).toEqual([]);
      expect(await rules('ipv6')).toEqual([]);
    });

    it('creates nothing by looking or cleaning where there is nothing', async () => {
      await backend.probe();
      await backend.observe(policy);
      await backend.cleanup();
      expect(await node.run('nft', 'list', 'ruleset')).toBe('');
      expect(await node.run('cat', '/proc/net/ip_tables_names')).toBe('');
      expect(await node.run('cat', '/proc/net/ip6_tables_names')).toBe('');
    });

    it('leaves the table as it was where the kernel refuses one rule', async () => {
      await backend.apply(policy);
      const before = await rules();
      // Nothing may refer to a chain that is to go.
      await change(':USER - [0:0]', `-A USER -j ${chain}`);
      await expect(backend.cleanup()).rejects.toMatchObject({ code: 'TOOL_FAILED' });
      await change('-F USER', '-X USER');
      expect(await rules()).toEqual(before);
    });
  });

  describe('nft, where another program has put rules of nft into POSTROUTING', () => {
    let node: Namespace;
    beforeEach(async () => {
      node = await Namespace.create('node');
      await node.feed(
        `table ip nat {
  set kept { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 }; }
  chain POSTROUTING {
    type nat hook postrouting priority srcnat; policy accept;
    ip daddr @kept masquerade
  }
}
`,
        'nft',
        '-f',
        '-',
      );
    });
    afterEach(() => node.delete());

    it('still finds, repairs and removes its jump', async () => {
      const backend = iptablesBackendOn(node, 'nft');
      const before = await node.run('nft', 'list', 'ruleset');
      await backend.apply(policy);
      expect(await backend.observe(policy)).toMatchObject({ state: 'in-sync' });
      await changeNatTable(node, 'nft', 'ipv4', deletion(jump), quoted);
      expect(await backend.observe(policy)).toMatchObject({ state: 'drifted' });
      await backend.apply(policy);
      expect(await backend.observe(policy)).toMatchObject({ state: 'in-sync' });
      await backend.cleanup();
      expect((await node.run('nft', 'list', 'table', 'ip', 'nat')).trim()).toBe(before.trim());
    });
  });
});

function deletion(rule: string): string {
  return rule.replace('-A', '-D');
}

function uncommented(saved: string): string {
  return saved.replaceAll(/^#.*$/gm, '');
}
