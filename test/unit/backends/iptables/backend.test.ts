import { describe, expect, it } from 'vitest';
import type { Backend } from '../../../../src/backends/backend.ts';
import { createIptablesBackend } from '../../../../src/backends/iptables/backend.ts';
import { desiredChains, jumpRule, quotedJumpRule } from '../../../../src/backends/iptables/desired.ts';
import { helperChains } from '../../../../src/backends/iptables/names.ts';
import { renderRemoval, renderRestore } from '../../../../src/backends/iptables/render.ts';
import { parseRule } from '../../../../src/backends/iptables/rule-text.ts';
import { AgentError } from '../../../../src/errors.ts';
import type { Family } from '../../../../src/net/family.ts';
import { policyWith } from '../../../builders/policy.ts';
import { type ExpectedCommand, type FakeRunner, fakeRunner } from '../../../fakes/runner.ts';

const chain = 'IP-MASQ-AGENT';
const helpers = helperChains(chain);
const jump = jumpRule(chain);
const policy = policyWith({ ipv4: { keepDestinations: ['10.0.0.0/8'] }, ipv6: { keepDestinations: ['fd00::/8'] } });
const onlyIPv4 = policyWith({ ipv4: { keepDestinations: ['10.0.0.0/8'] } });
const rulesets = { ipv4: desiredChains(policy.ipv4, policy, chain), ipv6: desiredChains(policy.ipv6, policy, chain) };
const foreign = '-A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE';

const absent = { exitCode: 1, stderr: 'iptables: No chain/target/match by that name.\n' };
const locked = {
  exitCode: 4,
  stderr: 'Another app is currently holding the xtables lock. Stopped waiting after 5s.\n',
};
const refused = { exitCode: 4, stderr: 'iptables: Permission denied (you must be root)\n' };
const raced = {
  exitCode: 1,
  stderr: 'iptables-nft-restore: line 2 failed: Bad rule (does a matching rule exist in that chain?).\n',
};

/** The listing of one chain: `undefined` where it is absent. */
function list(family: Family, name: string, rules: readonly string[] | undefined, flavour = 'nft'): ExpectedCommand {
  const head = name === 'POSTROUTING' ? '-P POSTROUTING ACCEPT' : `-N ${name}`;
  return {
    tool: `${family === 'ipv4' ? 'iptables' : 'ip6tables'}-${flavour}`,
    args: ['-w', '5', '-t', 'nat', '-S', name],
    outcome: rules ? { stdout: `${[head, ...rules].join('\n')}\n` } : absent,
  };
}

/** What an apply reads: the jumps, the main chain, then the helpers, which are absent here. */
function read(family: Family, jumps: readonly string[], rules: readonly string[] | undefined, flavour?: string) {
  return [
    list(family, 'POSTROUTING', jumps, flavour),
    list(family, chain, rules, flavour),
    list(family, helpers.sources, undefined, flavour),
    list(family, helpers.masquerade, undefined, flavour),
  ];
}

function readInSync(family: Family): ExpectedCommand[] {
  return read(family, [jump], rulesets[family].chains[0]?.rules);
}

function restore(family: Family, input: string | undefined, outcome = {}): ExpectedCommand {
  const tool = `${family === 'ipv4' ? 'iptables' : 'ip6tables'}-nft-restore`;
  return { tool, args: ['-w', '5', '--noflush'], ...(input === undefined ? {} : { input }), outcome };
}

const fromNothing = (family: Family) =>
  renderRestore(rulesets[family], { jumps: { right: [], wrong: [] }, chains: new Map() });

function backendWith(commands: readonly ExpectedCommand[]): { backend: Backend; runner: FakeRunner } {
  const runner = fakeRunner(commands);
  const backend = createIptablesBackend({ flavour: 'nft', chain, runner, readLegacyTables: async () => [] });
  return { backend, runner };
}

async function applyWith(...commands: ExpectedCommand[]): Promise<void> {
  const { backend, runner } = backendWith(commands);
  await backend.apply(policy);
  runner.assertDone();
}

describe('apply', () => {
  it('makes one transaction for each family, the jump in it, and reads back', () =>
    applyWith(
      ...read('ipv4', [foreign], undefined),
      restore('ipv4', fromNothing('ipv4')),
      ...readInSync('ipv4'),
      ...read('ipv6', [], undefined),
      restore('ipv6', fromNothing('ipv6')),
      ...readInSync('ipv6'),
    ));

  it('writes nothing where the kernel holds the policy', () => applyWith(...readInSync('ipv4'), ...readInSync('ipv6')));

  it('leaves a right jump where it is, and removes those that are too many or old', () => {
    const quoted = quotedJumpRule(chain);
    return applyWith(
      ...read('ipv4', [jump, foreign, jump, quoted], undefined),
      restore(
        'ipv4',
        [
          '*nat',
          `:${chain} - [0:0]`,
          ...(rulesets.ipv4.chains[0]?.rules ?? []),
          jump.replace('-A', '-D'),
          quoted.replace('-A', '-D'),
          'COMMIT\n',
        ].join('\n'),
      ),
      ...readInSync('ipv4'),
      ...readInSync('ipv6'),
    );
  });

  it('reads again and tries again where a rule went away under its hands', () =>
    applyWith(
      ...read('ipv4', [jump, jump], undefined),
      restore('ipv4', undefined, raced),
      ...read('ipv4', [jump], undefined),
      restore('ipv4', undefined),
      ...readInSync('ipv4'),
      ...readInSync('ipv6'),
    ));

  it('gives up where that does not end', async () => {
    const round = [...read('ipv4', [jump, jump], undefined), restore('ipv4', undefined, raced)];
    await expect(applyWith(...round, ...round, ...round, ...readInSync('ipv6'))).rejects.toMatchObject({
      code: 'RULESET_RACED',
    });
  });

  it('says so where another program undoes every write', async () => {
    const round = [...read('ipv4', [jump], []), restore('ipv4', undefined)];
    await expect(
      applyWith(...round, ...round, ...round, ...read('ipv4', [jump], []), ...readInSync('ipv6')),
    ).rejects.toMatchObject({ code: 'READ_BACK_MISMATCH', message: expect.stringContaining('missing rule: ') });
  });

  it('brings one family to the policy though the other fails', async () => {
    const { backend, runner } = backendWith([
      { ...list('ipv4', 'POSTROUTING', []), outcome: locked },
      ...read('ipv6', [], undefined),
      restore('ipv6', fromNothing('ipv6')),
      ...readInSync('ipv6'),
    ]);
    await expect(backend.apply(policy)).rejects.toMatchObject({
      code: 'XTABLES_LOCK',
      message: expect.stringMatching(/^ipv4: iptables-nft -w 5 .*Stopped waiting after 5s\.$/),
    });
    runner.assertDone();
  });

  it('tells the failures of both families', async () => {
    const { backend } = backendWith([
      ...read('ipv4', [], undefined),
      restore('ipv4', undefined, locked),
      { ...list('ipv6', 'POSTROUTING', []), outcome: refused },
    ]);
    await expect(backend.apply(policy)).rejects.toMatchObject({
      code: 'XTABLES_LOCK',
      message: expect.stringMatching(/^ipv4: .*xtables lock.*; ipv6: .*Permission denied/),
    });
  });

  it('stops at once when told to', async () => {
    const aborted = new AgentError('ABORTED', 'stopping');
    const { backend, runner } = backendWith([
      ...read('ipv4', [], undefined),
      { ...restore('ipv4', undefined), outcome: aborted },
    ]);
    await expect(backend.apply(policy, new AbortController().signal)).rejects.toBe(aborted);
    runner.assertDone();
  });

  it('removes the rules of IPv6 where it is off', async () => {
    const { backend, runner } = backendWith([
      ...readInSync('ipv4'),
      ...read('ipv6', [jump, foreign], rulesets.ipv6.chains[0]?.rules),
      restore('ipv6', renderRemoval([parseRule(jump)], [chain])),
    ]);
    await backend.apply(onlyIPv4);
    runner.assertDone();
  });

  it('does not need the tools of IPv6 where it is off', async () => {
    const missing = new AgentError('TOOL_MISSING', 'ip6tables-nft is not installed');
    const { backend } = backendWith([...readInSync('ipv4'), { ...list('ipv6', 'POSTROUTING', []), outcome: missing }]);
    await backend.apply(onlyIPv4);
  });

  it('needs them where it is on', async () => {
    const missing = new AgentError('TOOL_MISSING', 'ip6tables-nft is not installed');
    const { backend } = backendWith([...readInSync('ipv4'), { ...list('ipv6', 'POSTROUTING', []), outcome: missing }]);
    await expect(backend.apply(policy)).rejects.toMatchObject({ code: 'TOOL_MISSING' });
  });
});

describe('observe', () => {
  const observeWith = async (observed: typeof policy, ...commands: ExpectedCommand[]) => {
    const { backend, runner } = backendWith(commands);
    const observation = await backend.observe(observed);
    runner.assertDone();
    return observation;
  };
  const seen = (family: Family, jumps: readonly string[], rules: readonly string[] | undefined) => [
    list(family, 'POSTROUTING', jumps),
    list(family, chain, rules),
  ];
  const inSync = (family: Family) => seen(family, [jump], rulesets[family].chains[0]?.rules);

  it('takes two short readings for each family', async () => {
    expect(await observeWith(policy, ...inSync('ipv4'), ...inSync('ipv6'))).toEqual({
      state: 'in-sync',
      differences: [],
    });
  });

  it('says that nothing is there', async () => {
    const nothing = [...seen('ipv4', [foreign], undefined), ...seen('ipv6', [], undefined)];
    expect(await observeWith(policy, ...nothing)).toMatchObject({ state: 'absent', differences: { length: 4 } });
  });

  it('lists a few of many differences', async () => {
    const many = Array.from({ length: 50 }, (_, index) => `-A ${chain} -d 10.9.9.${index}/32 -j RETURN`);
    const rules = [...(rulesets.ipv4.chains[0]?.rules ?? []), ...many];
    const { differences } = await observeWith(policy, ...seen('ipv4', [jump], rules), ...inSync('ipv6'));
    expect(differences).toHaveLength(6);
    expect(differences.at(-1)).toBe('ipv4: rule that is not ours: 45 more');
  });

  it('takes the failure of one family for a difference, so that the other is still mended', async () => {
    const failed = { ...list('ipv6', 'POSTROUTING', []), outcome: locked };
    expect(await observeWith(policy, ...inSync('ipv4'), failed)).toEqual({
      state: 'drifted',
      differences: [expect.stringContaining('ipv6: ip6tables-nft')],
    });
  });

  it('fails where no family that is on can be read', async () => {
    const { backend } = backendWith([
      { ...list('ipv4', 'POSTROUTING', []), outcome: refused },
      ...read('ipv6', [], undefined),
    ]);
    await expect(backend.observe(onlyIPv4)).rejects.toMatchObject({ code: 'NO_PERMISSION' });
  });

  it('sees rules of IPv6 where it is off', async () => {
    const { differences } = await observeWith(onlyIPv4, ...inSync('ipv4'), ...readInSync('ipv6'));
    expect(differences).toEqual([
      `ipv6: chain ${chain} is there, though ipv6 is off`,
      `ipv6: jump from POSTROUTING to ${chain} is there, though ipv6 is off`,
    ]);
  });
});

describe('legacy', () => {
  it('never asks about a table that does not exist', async () => {
    const runner = fakeRunner([]);
    const backend = createIptablesBackend({
      flavour: 'legacy',
      chain,
      runner,
      readLegacyTables: async () => ['filter'],
    });
    expect(await backend.observe(policy)).toMatchObject({ state: 'absent' });
    expect(await backend.cleanup()).toEqual([]);
  });

  it('is read where the table exists', async () => {
    const runner = fakeRunner([
      ...read('ipv4', [jump], [], 'legacy'),
      {
        tool: 'iptables-legacy-restore',
        args: ['-w', '5', '--noflush'],
        input: renderRemoval([parseRule(jump)], [chain]),
      },
    ]);
    const backend = createIptablesBackend({
      flavour: 'legacy',
      chain,
      runner,
      readLegacyTables: async (family) => (family === 'ipv4' ? ['nat'] : []),
    });
    expect(await backend.cleanup()).toEqual([
      `iptables-legacy ipv4: chain ${chain}`,
      `iptables-legacy ipv4: jump from POSTROUTING to ${chain}`,
    ]);
    runner.assertDone();
  });
});

describe('cleanup', () => {
  it('removes the chains of earlier names with their helpers, whoever jumps to them', async () => {
    const earlier = helperChains('OLD');
    const stranger = '-A POSTROUTING -o eth1 -j OLD';
    const { backend, runner } = backendWith([
      list('ipv4', 'POSTROUTING', [foreign, quotedJumpRule('OLD'), stranger]),
      list('ipv4', chain, undefined),
      list('ipv4', helpers.sources, undefined),
      list('ipv4', helpers.masquerade, undefined),
      list('ipv4', 'OLD', []),
      list('ipv4', earlier.sources, []),
      list('ipv4', earlier.masquerade, undefined),
      restore('ipv4', renderRemoval([quotedJumpRule('OLD'), stranger].map(parseRule), ['OLD', earlier.sources])),
      ...read('ipv6', [foreign], undefined),
    ]);
    expect(await backend.cleanup()).toHaveLength(3);
    runner.assertDone();
  });
});
