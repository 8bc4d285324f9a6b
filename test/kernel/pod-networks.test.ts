import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AgentProcess } from './harness/agent-process.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { TestBed } from './harness/test-bed.ts';
import { addresses } from './harness/topology.ts';

const config = 'nonMasqueradeCIDRs:\n  - 10.0.0.0/8\nresyncInterval: 1s\n';
const leftOut = /\/ip-masq-agent:2:5: nonMasqueradeCIDRs leaves out Pods, those behind (.*) in (.*): other Pods reach/;

describeKernel('networks of Pods that nonMasqueradeCIDRs leaves out', () => {
  let bed: TestBed;
  beforeEach(async () => {
    bed = await TestBed.create();
    await bed.config.write({ 'ip-masq-agent': config });
    for (const [device, network] of [
      ['cni0', '100.64.3.1/24'],
      ['docker0', '172.17.0.1/16'],
      ['cali0123456789a', undefined],
    ]) {
      // Only names count: the devices of the plugins are of kinds that not every kernel has.
      await bed.node.run('ip', 'link', 'add', `${device}`, 'type', 'veth', 'peer', 'name', `${device}`.slice(1));
      for (const end of [`${device}`, `${device}`.slice(1)]) await bed.node.run('ip', 'link', 'set', end, 'up');
      if (network !== undefined) await bed.node.run('ip', 'address', 'add', network, 'dev', `${device}`);
    }
    await bed.node.run('ip', 'route', 'add', '100.65.7.9/32', 'dev', 'cali0123456789a');
    await bed.node.run('ip', '-6', 'route', 'add', 'fd00:64:3::/64', 'dev', 'cni0');
  });
  afterEach(() => bed.close());

  async function outputOf(...args: string[]): Promise<string> {
    const command = new AgentProcess(bed.node, [...args, `--config=${bed.config.directory}`]);
    await command.exited;
    return command.output;
  }

  it('are told once by run, after the rules are in force, and change nothing', async () => {
    const agent = bed.startAgent('--backend=nft', '--enable-ipv6');
    await agent.waitFor(/rules applied/);
    const { text } = await agent.waitFor(/behind cali\*/);
    expect(leftOut.exec(text)?.slice(1)).toEqual(['cali*, cni0', '100.64.3.0/24, 100.65.7.0/24']);
    await agent.waitFor(/ip-masq-agent:2:5: .* behind cni0 in fd00:64:3::\/64: /);
    const flow = { source: addresses.ipv4.pod, destination: '100.64.3.9' };
    expect(await bed.probe([flow])).toMatchObject([{ verdict: 'masquerade' }]);

    // Other rules, and the same is left out.
    await bed.config.write({ 'ip-masq-agent': config.replace('10.0.0.0/8', '10.0.0.0/7') });
    await agent.waitFor(/rules changed/);
    await bed.config.write({ 'ip-masq-agent': config.replace('10.0.0.0/8', '100.64.3.0/24') });
    await agent.waitFor(/behind cali\* in 100\.65\.7\.0\/24: /);
    expect(await bed.probe([flow])).toMatchObject([{ verdict: 'keep' }]);
    expect(await agent.stop()).toEqual({ code: 0, signal: null });
    expect(agent.lines.filter((line) => line.text.includes('leaves out Pods'))).toHaveLength(3);
  });

  it('are told by status and run --once, and by nothing that may look from elsewhere', async () => {
    expect(await outputOf('run', '--once', '--backend=nft')).toMatch(leftOut);
    const status = await outputOf('status', '--backend=nft');
    expect(status).toMatch(/^IN SYNC/);
    expect(status).toMatch(/warning: .* behind cali\*, cni0 in 100\.64\.3\.0\/24, 100\.65\.7\.0\/24: /);
    expect(status).not.toContain('172.17');
    const next = join(bed.directory, 'next');
    await writeFile(next, 'nonMasqueradeCIDRs: [10.0.0.0/9]\n');
    for (const command of [['validate'], ['render', '--backend=nft'], ['diff', next]]) {
      expect(await outputOf(...command)).not.toContain('leaves out Pods');
    }

    await bed.config.write({ 'ip-masq-agent': 'nonMasqueradeCIDRs: [10.0.0.0/8, 100.64.0.0/10]\n' });
    expect(await outputOf('run', '--once', '--backend=nft')).not.toContain('leaves out Pods');
    expect(await outputOf('status', '--backend=nft')).not.toContain('leaves out Pods');
  });
});
