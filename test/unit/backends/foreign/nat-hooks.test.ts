import { describe, expect, it } from 'vitest';
import { type NatHookOptions, readNatHooks } from '../../../../src/backends/foreign/nat-hooks.ts';
import { AgentError } from '../../../../src/errors.ts';
import type { Runner } from '../../../../src/system/run.ts';

const ours =
  '-A POSTROUTING -m comment --comment "ip-masq-agent: ensure nat POSTROUTING directs all non-LOCAL destination traffic to our custom IP-MASQ-AGENT chain" -m addrtype ! --dst-type LOCAL -j IP-MASQ-AGENT';

/** Tools that print these texts, by the command line; anything else is absent. */
function tools(listings: Readonly<Record<string, string>>): Runner {
  return {
    async run({ tool, args }) {
      const line = [tool, ...args.filter((word) => !['-w', '5', '-t', 'nat'].includes(word))].join(' ');
      const stdout = listings[line];
      if (stdout === 'MISSING') throw new AgentError('TOOL_MISSING', `${tool} is not installed`);
      if (stdout !== undefined) return { exitCode: 0, stdout, stderr: '' };
      return { exitCode: 1, stdout: '', stderr: `${tool}: No chain/target/match by that name.` };
    },
  };
}

function read(listings: Readonly<Record<string, string>>, options: Partial<NatHookOptions> = {}) {
  const complete = { 'nft list chains': '', ...listings };
  return readNatHooks({
    own: 'nft',
    chain: 'IP-MASQ-AGENT',
    families: ['ipv4'],
    runner: tools(complete),
    readLegacyTables: () => Promise.resolve([]),
    ...options,
  });
}

describe('the rules of other programs', () => {
  it('stand before ours in iptables, where ours are of nft, with the chains that they lead to', async () => {
    const { found, failures } = await read({
      'iptables-nft -S POSTROUTING':
        '-P POSTROUTING ACCEPT\n-A POSTROUTING -j KUBE-POSTROUTING\n-A POSTROUTING -s 10.244.7.2/32 -j CNI-1\n',
      'iptables-nft -S CNI-1': '-N CNI-1\n-A CNI-1 -j MASQUERADE\n',
    });
    expect(failures).toEqual([]);
    expect(found).toMatchObject([{ backend: 'iptables-nft', when: 'before' }]);
    expect(found[0]?.chains.get('CNI-1')).toMatchObject([{ action: 'masquerade' }]);
    // kube-proxy's goes by a mark that only its own connections have.
    expect(found[0]?.chains.get('KUBE-POSTROUTING')).toEqual([]);
  });

  it('stand before and after our jump, where ours are in the same chain', async () => {
    const { found } = await read(
      { 'iptables-nft -S POSTROUTING': `-A POSTROUTING -j ACCEPT\n${ours}\n-A POSTROUTING -j MASQUERADE\n` },
      { own: 'iptables-nft' },
    );
    expect(found.map(({ when, rules }) => [when, rules.map(({ action }) => action)])).toEqual([
      ['before', ['accept']],
      ['after', ['masquerade']],
    ]);
  });

  it('stand before or after ours in nft by the priority of their chain', async () => {
    const chain = (table: string, priority: string) =>
      `table ip ${table} {\n\tchain c {\n\t\ttype nat hook postrouting priority ${priority}; policy accept;\n\t}\n}\n`;
    const listing = `table ip x {\n\tchain c {\n\t\ttype nat hook postrouting priority 1; policy accept;\n\t\tmasquerade\n\t}\n}\n`;
    const { found } = await read({
      'nft list chains': `${chain('early', 'srcnat')}${chain('same', 'srcnat + 10')}${chain('late', '120')}${chain('kube-proxy', 'srcnat')}`,
      'nft list chain ip early c': listing,
      'nft list chain ip same c': listing,
      'nft list chain ip late c': listing,
    });
    expect(found.map(({ table, when }) => [table, when])).toEqual([
      ['ip early', 'before'],
      ['ip same', 'before'],
      ['ip late', 'after'],
    ]);
  });

  it('are not known where the tool for a place that is there is missing', async () => {
    expect((await read({ 'nft list chains': 'MISSING' })).failures).toHaveLength(1);
    const legacy = await read(
      { 'iptables-legacy -S POSTROUTING': 'MISSING' },
      { readLegacyTables: () => Promise.resolve(['nat']) },
    );
    expect(legacy.failures).toHaveLength(1);
    // What iptables-nft would show is in nft's listing too.
    expect((await read({ 'iptables-nft -S POSTROUTING': 'MISSING' })).failures).toEqual([]);
  });

  it('are not all known where there are too many chains', async () => {
    const chains = Array.from({ length: 300 }, (_, index) => `CNI-${index}`);
    const { complete } = await read({
      'iptables-nft -S POSTROUTING': chains.map((name) => `-A POSTROUTING -j ${name}\n`).join(''),
      ...Object.fromEntries(chains.map((name) => [`iptables-nft -S ${name}`, `-A ${name} -j MASQUERADE\n`])),
    });
    expect(complete).toBe(false);
  });
});
