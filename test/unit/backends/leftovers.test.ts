import { describe, expect, it } from 'vitest';
import type { BackendName } from '../../../src/backends/backend.ts';
import { jumpRule, quotedJumpRule } from '../../../src/backends/iptables/desired.ts';
import { renderRemoval } from '../../../src/backends/iptables/render.ts';
import { parseRule } from '../../../src/backends/iptables/rule-text.ts';
import { findLeftovers, removeLeftovers } from '../../../src/backends/leftovers.ts';
import { AgentError } from '../../../src/errors.ts';
import type { Outcome } from '../../../src/system/run.ts';
import { type ExpectedCommand, fakeRunner } from '../../fakes/runner.ts';

const chain = 'IP-MASQ-AGENT';
const absent = { exitCode: 1, stderr: 'iptables: No chain/target/match by that name.\n' };
const missing = new AgentError('TOOL_MISSING', 'not installed');
const locked = {
  exitCode: 4,
  stderr: 'Another app is currently holding the xtables lock. Stopped waiting after 5s.\n',
};
const gke =
  '-A POSTROUTING -m comment --comment "ip-masq: ensure nat POSTROUTING directs all non-LOCAL destination traffic to our custom IP-MASQ chain" -m addrtype ! --dst-type LOCAL -j IP-MASQ';

function list(tool: string, name: string, rules: readonly string[] | undefined): ExpectedCommand {
  return {
    tool,
    args: ['-w', '5', '-t', 'nat', '-S', name],
    outcome: rules ? { stdout: rules.map((rule) => `${rule}\n`).join('') } : absent,
  };
}

/** The reading of a table: its POSTROUTING, and those of the chains that are there. */
function read(
  tool: string,
  jumps: readonly string[],
  names: readonly string[] = [chain],
  there: readonly string[] = [],
) {
  const asked = names.flatMap((name) => [name, `${name}.SRC`, `${name}.MASQ`]);
  return [
    list(tool, 'POSTROUTING', jumps),
    ...asked.map((name) => list(tool, name, there.includes(name) ? [] : undefined)),
  ];
}

function nftTable(outcome: Partial<Outcome> | AgentError): ExpectedCommand {
  return { tool: 'nft', args: ['-t', '-s', 'list', 'table', 'inet', 'ip-masq-agent'], outcome };
}

function restore(tool: string, input: string): ExpectedCommand {
  return { tool, args: ['-w', '5', '--noflush'], input };
}

async function search(
  find: typeof findLeftovers,
  active: BackendName,
  legacyTables: readonly string[],
  ...commands: ExpectedCommand[]
) {
  const runner = fakeRunner(commands);
  const leftovers = await find({
    active,
    chain,
    runner,
    nft: { cleanup: async () => ['nft table inet ip-masq-agent'] },
    readLegacyTables: async () => legacyTables,
  });
  runner.assertDone();
  return leftovers;
}

describe('beside the nft backend', () => {
  it('nothing is left where nobody used iptables, and no legacy tool is run', async () => {
    expect(await search(findLeftovers, 'nft', [], ...read('iptables-nft', []), ...read('ip6tables-nft', []))).toEqual({
      found: [],
      failures: [],
    });
  });

  it('the chains of upstream are, in either form, in every flavour and family', async () => {
    expect(
      await search(
        findLeftovers,
        'nft',
        ['nat'],
        ...read('iptables-nft', [jumpRule(chain)], [chain], [chain]),
        ...read('ip6tables-nft', [quotedJumpRule('FORMER'), gke], [chain, 'FORMER'], ['FORMER']),
        ...read('iptables-legacy', [], [chain], [chain]),
        ...read('ip6tables-legacy', [gke]),
      ),
    ).toEqual({
      found: [
        `iptables-nft ipv4: chain ${chain}`,
        `iptables-nft ipv4: jump from POSTROUTING to ${chain}`,
        'iptables-nft ipv6: chain FORMER',
        'iptables-nft ipv6: jump from POSTROUTING to FORMER',
        `iptables-legacy ipv4: chain ${chain}`,
      ],
      failures: [],
    });
  });

  it('removes them, and goes on where one place can not be searched', async () => {
    const failing = { ...list('iptables-nft', 'POSTROUTING', []), outcome: locked };
    const { found, failures } = await search(
      removeLeftovers,
      'nft',
      [],
      failing,
      ...read('ip6tables-nft', [jumpRule(chain), gke], [chain], [chain]),
      restore('ip6tables-nft-restore', renderRemoval([parseRule(jumpRule(chain))], [chain])),
    );
    expect(found).toHaveLength(2);
    expect(failures).toEqual([expect.objectContaining({ code: 'XTABLES_LOCK' })]);
  });

  it('takes missing tools for nothing left', async () => {
    const withoutTools = ['iptables-nft', 'ip6tables-nft'].map((tool) => ({
      ...list(tool, 'POSTROUTING', []),
      outcome: missing,
    }));
    expect(await search(findLeftovers, 'nft', [], ...withoutTools)).toEqual({ found: [], failures: [] });
  });
});

describe('beside an iptables backend', () => {
  const own = jumpRule(chain);

  it('its own rules stay, and those of an earlier name go', async () => {
    expect(
      await search(
        removeLeftovers,
        'iptables-nft',
        [],
        nftTable({ exitCode: 1, stderr: 'Error: No such file or directory\n' }),
        ...read('iptables-nft', [own, jumpRule('FORMER')], ['FORMER'], ['FORMER', 'FORMER.MASQ']),
        restore('iptables-nft-restore', renderRemoval([parseRule(jumpRule('FORMER'))], ['FORMER', 'FORMER.MASQ'])),
        list('ip6tables-nft', 'POSTROUTING', [own]),
      ),
    ).toMatchObject({ found: { length: 3 }, failures: [] });
  });

  it('the nft table goes', async () => {
    const commands = [
      nftTable({ stdout: 'table inet ip-masq-agent {\n}\n' }),
      list('iptables-nft', 'POSTROUTING', [own]),
      list('ip6tables-nft', 'POSTROUTING', []),
    ];
    const expected = { found: ['nft table inet ip-masq-agent'], failures: [] };
    expect(await search(findLeftovers, 'iptables-nft', [], ...commands)).toEqual(expected);
    expect(await search(removeLeftovers, 'iptables-nft', [], ...commands)).toEqual(expected);
  });

  it('takes a missing nft for no table', async () => {
    const commands = [nftTable(missing), ...read('iptables-nft', []), ...read('ip6tables-nft', [])];
    expect(await search(findLeftovers, 'iptables-legacy', [], ...commands)).toEqual({ found: [], failures: [] });
  });

  it('stops when told to', async () => {
    const aborted = new AgentError('ABORTED', 'stopping');
    await expect(search(findLeftovers, 'iptables-nft', [], nftTable(aborted))).rejects.toBe(aborted);
  });
});
