import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createIptablesBackend } from '../../src/backends/iptables/backend.ts';
import { findKubeletHint } from '../../src/backends/iptables/kubelet-hint.ts';
import { createNftBackend } from '../../src/backends/nft/backend.ts';
import { type Choice, chooseBackend, gatherHostFacts } from '../../src/backends/select.ts';
import type { Runner } from '../../src/system/run.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { Namespace, namespaceRunner } from './harness/namespace.ts';
import { changeTable, legacyTablesOf } from './iptables-node.ts';

const chain = 'IP-MASQ-AGENT';

describeKernel('the choice of the backend', () => {
  let node: Namespace;
  let directory: string;
  beforeEach(async () => {
    node = await Namespace.create('node');
    directory = await mkdtemp(join(tmpdir(), 'ip-masq-agent-'));
  });
  afterEach(async () => {
    await node.delete();
    await rm(directory, { recursive: true });
  });

  async function choose(runner: Runner = namespaceRunner(node)): Promise<Choice> {
    const readLegacyTables = legacyTablesOf(node);
    const iptables = (flavour: 'nft' | 'legacy') => createIptablesBackend({ flavour, chain, runner, readLegacyTables });
    const facts = await gatherHostFacts('auto', {
      backends: {
        nft: createNftBackend({ runner }),
        'iptables-nft': iptables('nft'),
        'iptables-legacy': iptables('legacy'),
      },
      findKubeletHint: (signal) => findKubeletHint(runner, readLegacyTables, signal),
    });
    return chooseBackend('auto', facts);
  }

  /** Lets the tools that begin so run without the capabilities. */
  function without(capabilities: string, tools: RegExp): Runner {
    const drop = ['--bounding-set', capabilities, '--inh-caps', capabilities];
    const inside = namespaceRunner(node);
    return {
      run: (command) =>
        tools.test(command.tool)
          ? inside.run({ ...command, tool: 'setpriv', args: [...drop, command.tool, ...command.args] })
          : inside.run(command),
    };
  }

  /** Lets only these tools be found. */
  async function only(...tools: readonly string[]): Promise<Runner> {
    for (const tool of tools) await symlink(join('/usr/sbin', tool), join(directory, tool));
    const inside = namespaceRunner(node);
    return {
      run: (command) =>
        inside.run({ ...command, tool: 'env', args: [`PATH=${directory}`, command.tool, ...command.args] }),
    };
  }

  const iptablesTools = ['nft', 'legacy'].flatMap((flavour) =>
    ['iptables', 'ip6tables'].flatMap((tool) => [`${tool}-${flavour}`, `${tool}-${flavour}-restore`]),
  );
  const noNft = () => only(...iptablesTools);

  afterEach(async () => {
    expect(await node.run('cat', '/proc/net/ip6_tables_names')).toBe('');
  });

  it('is nft where nft works', async () => {
    expect(await choose()).toMatchObject({ backend: 'nft', reason: expect.stringContaining('nft --check') });
    expect(await node.run('nft', 'list', 'ruleset')).toBe('');
    expect(await node.run('cat', '/proc/net/ip_tables_names')).toBe('');
  });

  it('is the nft flavour where the nft binary is missing, and looking creates no table', async () => {
    expect(await choose(await noNft())).toEqual({
      backend: 'iptables-nft',
      reason: expect.stringMatching(/--test accepts the rules; nft does not work here: .*nft/),
    });
    expect(await node.run('nft', 'list', 'ruleset')).toBe('');
    expect(await node.run('cat', '/proc/net/ip_tables_names')).toBe('');
  });

  it('is an iptables flavour where the kernel refuses nft', async () => {
    expect(await choose(without('-net_admin', /^nft$/))).toEqual({
      backend: 'iptables-nft',
      reason: expect.stringMatching(/nft does not work here: .*Operation not permitted/),
    });
  });

  it('is legacy where the kernel refuses all that is nft', async () => {
    expect(await choose(without('-net_admin', /nft/))).toEqual({
      backend: 'iptables-legacy',
      reason: expect.stringMatching(/Operation not permitted.*Permission denied/),
    });
    expect(await node.run('cat', '/proc/net/ip_tables_names')).toBe('');
  });

  it.each([
    ['nft', 'iptables', 'KUBE-IPTABLES-HINT'],
    ['nft', 'ip6tables', 'KUBE-KUBELET-CANARY'],
  ])('is the flavour of the hints of the kubelet: %s, by %s %s', async (flavour, tool, hint) => {
    await changeTable(node, `${tool}-${flavour}`, 'mangle', `:${hint} - [0:0]`);
    expect(await choose(await noNft())).toEqual({
      backend: 'iptables-nft',
      reason: expect.stringContaining(
        `the kubelet keeps its rules there (${tool === 'iptables' ? 'ipv4' : 'ipv6'} chain ${hint})`,
      ),
    });
    expect(await node.run('cat', '/proc/net/ip_tables_names')).toBe('');
  });

  it('is legacy by the hints of the kubelet, though the nft flavour works', async () => {
    await changeTable(node, 'iptables-legacy', 'mangle', ':KUBE-KUBELET-CANARY - [0:0]');
    expect(await choose(await noNft())).toEqual({
      backend: 'iptables-legacy',
      reason: expect.stringContaining('the kubelet keeps its rules there (ipv4 chain KUBE-KUBELET-CANARY)'),
    });
    expect(await node.run('cat', '/proc/net/ip_tables_names')).toBe('mangle\n');
  });

  it('is not the flavour of the hints where its tools do not work', async () => {
    await changeTable(node, 'iptables-nft', 'mangle', ':KUBE-IPTABLES-HINT - [0:0]');
    expect(await choose(await only(...iptablesTools.filter((tool) => tool !== 'iptables-nft-restore')))).toEqual({
      backend: 'iptables-legacy',
      reason: expect.stringContaining('iptables-nft does not work here'),
    });
  });

  it.each([
    ['without permission', () => without('-net_admin,-net_raw', /./), /permitted|denied/],
    ['without tools', () => only(), /can't be run|not installed/],
  ])('is none %s, with a reason for each', async (_, runner, reason) => {
    const choice = await choose(await runner());
    expect(choice).toEqual({
      backend: undefined,
      reasons: ['nft', 'iptables-nft', 'iptables-legacy'].map((name) =>
        expect.stringMatching(new RegExp(`^${name} does not work here: .*(?:${reason.source})`)),
      ),
    });
  });
});
