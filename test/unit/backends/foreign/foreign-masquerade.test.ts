import { describe, expect, it } from 'vitest';
import { findForeignMasquerade } from '../../../../src/backends/foreign/foreign-masquerade.ts';
import { jumpRule } from '../../../../src/backends/iptables/desired.ts';
import { AgentError } from '../../../../src/errors.ts';
import { policyWith } from '../../../builders/policy.ts';
import { type ExpectedCommand, fakeRunner } from '../../../fakes/runner.ts';

const chain = 'IP-MASQ-AGENT';
const onlyIPv4 = policyWith({ ipv4: { keepDestinations: ['10.0.0.0/8'] } });
const both = policyWith({ ipv4: { keepDestinations: ['10.0.0.0/8'] }, ipv6: { keepDestinations: ['fd00::/8'] } });
const missing = new AgentError('TOOL_MISSING', 'not installed');
const incompatible = {
  exitCode: 1,
  stderr: "iptables v1.8.9 (nf_tables): chain `POSTROUTING' in table `nat' is incompatible, use 'nft' tool.\n",
};

function list(tool: string, name: string, ...rules: readonly string[]): ExpectedCommand {
  return {
    tool,
    args: ['-w', '5', '-t', 'nat', '-S', name],
    outcome: { stdout: rules.map((rule) => `${rule}\n`).join('') },
  };
}

function nft(args: string, ...lines: readonly string[]): ExpectedCommand {
  return { tool: 'nft', args: args.split(' '), outcome: { stdout: lines.map((line) => `${line}\n`).join('') } };
}

const nftBase = (table: string, name: string) => [
  `table ${table} {`,
  `\tchain ${name} {`,
  '\t\ttype nat hook postrouting priority srcnat; policy accept;',
];

async function find(policy: typeof both, legacyTables: readonly string[], ...commands: ExpectedCommand[]) {
  const runner = fakeRunner(commands);
  const found = await findForeignMasquerade({ policy, chain, runner, readLegacyTables: async () => legacyTables });
  runner.assertDone();
  return found;
}

describe('foreign rules', () => {
  it('of tables that are too large are left out, and that is said', async () => {
    const runner = fakeRunner([
      list('iptables-nft', 'POSTROUTING', '-P POSTROUTING ACCEPT'),
      nft(
        'list chains',
        ...nftBase('ip large', 'post'),
        '\t}',
        '\tchain other {',
        '\t}',
        '}',
        ...nftBase('ip small', 'post'),
        '\t}',
        '}',
      ),
      nft('list chain ip small post', ...nftBase('ip small', 'post'), '\t\tmasquerade', '\t}', '}'),
    ]);
    const options = { policy: onlyIPv4, chain, runner, readLegacyTables: async () => [], mostChainsInTable: 1 };
    expect(await findForeignMasquerade(options)).toMatchObject({
      found: [{ place: 'ip small post' }],
      complete: false,
    });
    runner.assertDone();
  });

  it('are told with their place, their owner and what turns them off', async () => {
    const docker = '-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE';
    const cni = '-A CNI-1f4 ! -d 224.0.0.0/4 -m comment --comment "name: \\"cbr0\\" id: \\"x\\"" -j MASQUERADE';
    expect(
      await find(
        onlyIPv4,
        ['nat'],
        list('iptables-nft', 'POSTROUTING', '-P POSTROUTING ACCEPT', jumpRule(chain), docker),
        list('iptables-legacy', 'POSTROUTING', '-P POSTROUTING ACCEPT', '-A POSTROUTING -s 10.88.0.5/32 -j CNI-1f4'),
        list('iptables-legacy', 'CNI-1f4', '-N CNI-1f4', '-A CNI-1f4 -d 10.88.0.0/16 -j ACCEPT', cni),
        nft('list chains'),
      ),
    ).toEqual({
      found: [
        {
          backend: 'iptables-nft',
          families: ['ipv4'],
          place: 'nat POSTROUTING',
          rule: docker,
          note: expect.stringContaining('Docker'),
        },
        {
          backend: 'iptables-legacy',
          families: ['ipv4'],
          place: 'nat CNI-1f4',
          rule: cni,
          note: expect.stringContaining('ipMasq'),
        },
      ],
      failures: [],
      complete: true,
    });
  });

  it('of nft are told once for both families; ours and those that iptables has shown are left out', async () => {
    expect(
      await find(
        both,
        [],
        list('iptables-nft', 'POSTROUTING'),
        list('ip6tables-nft', 'POSTROUTING'),
        nft(
          'list chains',
          ...nftBase('ip nat', 'POSTROUTING'),
          ...nftBase('inet ip-masq-agent', 'postrouting'),
          ...nftBase('inet kindnet-ipmasq', 'postrouting'),
        ),
        nft(
          'list chain inet kindnet-ipmasq postrouting',
          ...nftBase('inet kindnet-ipmasq', 'postrouting'),
          '\t\tmasquerade',
        ),
      ),
    ).toMatchObject({
      found: [
        {
          backend: 'nft',
          families: ['ipv4', 'ipv6'],
          place: 'inet kindnet-ipmasq postrouting',
          rule: 'masquerade',
          note: 'kindnet',
        },
      ],
    });
  });

  it('in the nat table are read with nft where iptables can not read them', async () => {
    const { found } = await find(
      onlyIPv4,
      [],
      { ...list('iptables-nft', 'POSTROUTING'), outcome: incompatible },
      nft('list chains', ...nftBase('ip nat', 'POSTROUTING')),
      nft(
        'list chain ip nat POSTROUTING',
        ...nftBase('ip nat', 'POSTROUTING'),
        '\t\tfib daddr type != local counter packets 1 bytes 2 jump IP-MASQ-AGENT',
        '\t\tip daddr @pods masquerade',
      ),
    );
    expect(found).toMatchObject([{ backend: 'nft', place: 'ip nat POSTROUTING', rule: 'ip daddr @pods masquerade' }]);
  });

  it('are sought elsewhere where one place fails, and missing tools are no failure', async () => {
    const denied = { exitCode: 4, stderr: 'iptables: Permission denied (you must be root)\n' };
    expect(
      await find(
        onlyIPv4,
        [],
        { ...list('iptables-nft', 'POSTROUTING'), outcome: denied },
        { ...nft('list chains'), outcome: missing },
      ),
    ).toMatchObject({ found: [], failures: [{ code: 'NO_PERMISSION' }] });
  });

  it('are not sought without end', async () => {
    const many = Array.from({ length: 100 }, (_, index) => `CNI-${index}`);
    const jumps = many.map((name) => `-A POSTROUTING -j ${name}`);
    const read = many.slice(0, 63).map((name) => list('iptables-nft', name));
    const { complete } = await find(
      onlyIPv4,
      [],
      list('iptables-nft', 'POSTROUTING', ...jumps),
      ...read,
      nft('list chains'),
    );
    expect(complete).toBe(false);
  });
});
