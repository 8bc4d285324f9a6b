import { describe, expect, it } from 'vitest';
import { findKubeletHint } from '../../../../src/backends/iptables/kubelet-hint.ts';
import { AgentError } from '../../../../src/errors.ts';
import { type ExpectedCommand, fakeRunner } from '../../../fakes/runner.ts';

const absent = { exitCode: 1, stderr: 'iptables: No chain/target/match by that name.\n' };
const missing = new AgentError('TOOL_MISSING', 'not installed');

function ask(tool: string, chain: string, outcome: NonNullable<ExpectedCommand['outcome']> = absent): ExpectedCommand {
  return { tool, args: ['-w', '5', '-t', 'mangle', '-S', chain], outcome };
}

function both(tool: string, outcome?: ExpectedCommand['outcome']): ExpectedCommand[] {
  return ['KUBE-IPTABLES-HINT', 'KUBE-KUBELET-CANARY'].map((chain) => ask(tool, chain, outcome));
}

async function find(legacyTables: readonly string[], ...commands: ExpectedCommand[]) {
  const runner = fakeRunner(commands);
  const hint = await findKubeletHint(runner, async () => legacyTables);
  runner.assertDone();
  return hint;
}

describe('the hint of the kubelet', () => {
  it('is found in the nft flavour first, though legacy has it too', async () => {
    expect(await find(['mangle'], ask('iptables-nft', 'KUBE-IPTABLES-HINT', {}))).toEqual({
      flavour: 'nft',
      family: 'ipv4',
      chain: 'KUBE-IPTABLES-HINT',
    });
  });

  it('may be the canary of IPv6', async () => {
    expect(
      await find(
        [],
        ...both('iptables-nft'),
        ask('ip6tables-nft', 'KUBE-IPTABLES-HINT'),
        ask('ip6tables-nft', 'KUBE-KUBELET-CANARY', {}),
      ),
    ).toEqual({ flavour: 'nft', family: 'ipv6', chain: 'KUBE-KUBELET-CANARY' });
  });

  it('is looked for in legacy tables that exist, though the nft tools are missing', async () => {
    expect(
      await find(
        ['filter', 'mangle'],
        ...both('iptables-nft', missing),
        ...both('ip6tables-nft', missing),
        ask('iptables-legacy', 'KUBE-IPTABLES-HINT'),
        ask('iptables-legacy', 'KUBE-KUBELET-CANARY', {}),
      ),
    ).toMatchObject({ flavour: 'legacy', family: 'ipv4' });
  });

  it('is nowhere on a host without Kubernetes, where no legacy tool is run', async () => {
    expect(await find(['filter', 'nat'], ...both('iptables-nft'), ...both('ip6tables-nft'))).toBeUndefined();
  });

  it('is nowhere where the legacy tables can not be listed', async () => {
    const runner = fakeRunner([...both('iptables-nft'), ...both('ip6tables-nft')]);
    const denied = () => Promise.reject(new AgentError('NO_PERMISSION', 'denied'));
    expect(await findKubeletHint(runner, denied)).toBeUndefined();
  });

  it('is not looked for after the order to stop', async () => {
    const aborted = new AgentError('ABORTED', 'stopping');
    await expect(find([], ask('iptables-nft', 'KUBE-IPTABLES-HINT', aborted))).rejects.toBe(aborted);
  });
});
