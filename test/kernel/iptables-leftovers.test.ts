import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BackendName } from '../../src/backends/backend.ts';
import { findForeignMasquerade } from '../../src/backends/foreign/foreign-masquerade.ts';
import { jumpRule, quotedJumpRule } from '../../src/backends/iptables/desired.ts';
import { findLeftovers, type LeftoverOptions, removeLeftovers } from '../../src/backends/leftovers.ts';
import { createNftBackend } from '../../src/backends/nft/backend.ts';
import { policyWith } from '../builders/policy.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { Namespace, namespaceRunner } from './harness/namespace.ts';
import { changeNatTable, flavours, iptablesBackendOn, legacyTablesOf, natTableOf } from './iptables-node.ts';

const chain = 'IP-MASQ-AGENT';
const policy = policyWith({
  ipv4: { keepDestinations: ['10.0.0.0/8'], forceMasquerade: ['10.9.0.0/16'] },
  ipv6: { keepDestinations: ['fd00::/8'] },
});
const gke = [
  ':IP-MASQ - [0:0]',
  '-A IP-MASQ -d 10.0.0.0/8 -m comment --comment "ip-masq: local traffic is not subject to MASQUERADE" -j RETURN',
  '-A IP-MASQ -m comment --comment "ip-masq: outbound traffic is subject to MASQUERADE (must be last in chain)" -j MASQUERADE',
  '-A POSTROUTING -m comment --comment "ip-masq: ensure nat POSTROUTING directs all non-LOCAL destination traffic to our custom IP-MASQ chain" -m addrtype ! --dst-type LOCAL -j IP-MASQ',
];
const docker = '-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE';
const kubeProxy = [
  ':KUBE-POSTROUTING - [0:0]',
  '-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN',
  '-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0',
  '-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully',
  '-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING',
];
const cni = `table inet cni_plugins_masquerade {
  chain masq_checks {
    ip daddr 224.0.0.0/4 return
    ip6 daddr ff00::/8 return
    ip daddr != 10.88.0.0/16 masquerade
  }
  chain postrouting {
    type nat hook postrouting priority srcnat;
    ip saddr 10.88.0.5 goto masq_checks comment "net: podman"
  }
}
table ip kube-proxy {
  chain masquerading {
    meta mark & 0x4000 == 0 return
    meta mark set meta mark ^ 0x4000
    masquerade fully-random
  }
  chain nat-postrouting {
    type nat hook postrouting priority srcnat;
    jump masquerading
  }
}
`;

describeKernel('beside the active backend', () => {
  let node: Namespace;
  beforeEach(async () => {
    node = await Namespace.create('node');
  });
  afterEach(() => node.delete());

  const options = (active: BackendName): LeftoverOptions => {
    const runner = namespaceRunner(node);
    return {
      active,
      chain,
      runner,
      nft: createNftBackend({ runner }),
      readLegacyTables: legacyTablesOf(node),
    };
  };
  const foreignRules = () => findForeignMasquerade({ ...options('nft'), policy });

  describe('leftovers', () => {
    it('are none on a host that never saw an agent, and looking changes nothing', async () => {
      for (const active of ['nft', 'iptables-nft', 'iptables-legacy'] as const) {
        expect(await findLeftovers(options(active))).toEqual({ found: [], failures: [] });
        expect(await removeLeftovers(options(active))).toEqual({ found: [], failures: [] });
      }
      expect(await node.run('nft', 'list', 'ruleset')).toBe('');
      expect(await node.run('cat', '/proc/net/ip_tables_names')).toBe('');
    });

    it('of upstream are removed in both forms, flavours and families; rules of others stay', async () => {
      for (const flavour of flavours) {
        for (const family of ['ipv4', 'ipv6'] as const) {
          if (family === 'ipv4') await changeNatTable(node, flavour, family, ...gke, ...kubeProxy, docker);
          else await changeNatTable(node, flavour, family, '-A POSTROUTING -s fd00:17::/64 -j MASQUERADE');
        }
      }
      const all = async () =>
        Promise.all(
          flavours.flatMap((flavour) => (['ipv4', 'ipv6'] as const).map((family) => natTableOf(node, flavour, family))),
        );
      const before = await all();
      for (const flavour of flavours) {
        await iptablesBackendOn(node, flavour).apply(policy);
        await changeNatTable(node, flavour, 'ipv4', ':FORMER - [0:0]', '-A FORMER -j MASQUERADE', jumpRule('FORMER'));
        await changeNatTable(
          node,
          flavour,
          'ipv6',
          ':AZURE - [0:0]',
          '-A AZURE -j MASQUERADE',
          quotedJumpRule('AZURE'),
        );
      }
      const { found } = await findLeftovers(options('nft'));
      expect(found).toContain('iptables-legacy ipv4: chain FORMER');
      expect(found).toContain('iptables-nft ipv6: jump from POSTROUTING to AZURE');
      expect(await removeLeftovers(options('nft'))).toEqual({ found, failures: [] });
      expect(await all()).toEqual(before);
      expect(await findLeftovers(options('nft'))).toEqual({ found: [], failures: [] });
    });

    it.each([
      ['iptables-nft', 'nft', 'legacy'],
      ['iptables-legacy', 'legacy', 'nft'],
    ] as const)('beside %s are all but its own rules', async (active, own, other) => {
      const backend = iptablesBackendOn(node, own);
      await backend.apply(policy);
      await createNftBackend({ runner: namespaceRunner(node) }).apply(policy);
      await iptablesBackendOn(node, other, 'OTHER').apply(policy);
      await iptablesBackendOn(node, own, 'FORMER').apply(policy);
      await removeLeftovers(options(active));
      expect(await findLeftovers(options(active))).toEqual({ found: [], failures: [] });
      expect(await backend.observe(policy)).toEqual({ state: 'in-sync', differences: [] });
      expect(await natTableOf(node, other, 'ipv4')).toEqual([]);
      expect(await node.run('nft', 'list', 'tables')).not.toContain('ip-masq-agent');
    });
  });

  describe('foreign rules that masquerade what the agent keeps', () => {
    it('are none where there are none, and looking changes nothing', async () => {
      expect(await foreignRules()).toEqual({ found: [], failures: [], complete: true });
      expect(await node.run('nft', 'list', 'ruleset')).toBe('');
      expect(await node.run('cat', '/proc/net/ip_tables_names')).toBe('');
    });

    it('are found in all three notations; ours, kube-proxy and harmless ones are not among them', async () => {
      await iptablesBackendOn(node, 'nft').apply(policy);
      await changeNatTable(node, 'nft', 'ipv4', docker, ...kubeProxy);
      await changeNatTable(
        node,
        'legacy',
        'ipv4',
        ...gke,
        ...kubeProxy,
        '-A POSTROUTING ! -d 10.0.0.0/7 -j MASQUERADE',
      );
      await node.feed(cni, 'nft', '-f', '-');
      const { found, failures, complete } = await foreignRules();
      expect(found.map(({ backend, place, rule }) => [backend, place, rule])).toEqual([
        ['iptables-nft', 'nat POSTROUTING', docker],
        // It spares 10.0.0.0/8, but neither 169.254.0.0/16 ...
        ['iptables-legacy', 'nat IP-MASQ', gke[2]],
        // ... nor does this one.
        ['iptables-legacy', 'nat POSTROUTING', '-A POSTROUTING ! -d 10.0.0.0/7 -j MASQUERADE'],
        ['nft', 'inet cni_plugins_masquerade masq_checks', 'ip daddr != 10.88.0.0/16 masquerade'],
      ]);
      expect({ failures, complete }).toEqual({ failures: [], complete: true });
    });
  });
});
