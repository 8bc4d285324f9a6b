import { afterEach, beforeEach, expect, it } from 'vitest';
import { AgentProcess } from './harness/agent-process.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { TestBed } from './harness/test-bed.ts';
import { addresses } from './harness/topology.ts';
import { connectionsOn } from './live-flows/connections-command.ts';
import { type LiveFlow, LiveFlows, startMirror } from './live-flows/live-flows.ts';

const { pod, node } = addresses.ipv4;
const far = '203.0.113.8';
const elsewhere = '192.0.2.7';
const port = 5000;
const keepsTen = 'nonMasqueradeCIDRs: [10.0.0.0/8]\n';
const keepsFar = 'nonMasqueradeCIDRs: [10.0.0.0/8, 203.0.113.0/24]\n';

function flow(protocol: 'udp' | 'tcp', destination: string, sourcePort: number): LiveFlow {
  return { protocol, source: pod, sourcePort, destination, port };
}

describeKernel('a running agent and live connections', () => {
  let bed: TestBed;
  let agent: AgentProcess;
  beforeEach(async () => {
    bed = await TestBed.create();
    await bed.node.run('sysctl', '--quiet', '--write', 'net.netfilter.nf_conntrack_udp_timeout=120');
    await startMirror(bed.world, port, [far, elsewhere]);
  });
  afterEach(async () => {
    await agent.stop();
    await bed.close();
  });

  /** Changes the config and waits until its rules are in force. */
  async function change(config: string): Promise<void> {
    const from = agent.lines.length;
    await bed.config.write({ config });
    await agent.waitFor(/rules changed/, { from });
  }

  async function start(config: string): Promise<void> {
    await bed.config.write({ config });
    agent = bed.startAgent('--healthz-bind-address', '127.0.0.1:9102');
    await agent.waitFor(/rules applied/);
  }

  it('forgets those that a changed config flips, where it says so, and no others', async () => {
    await start(keepsFar);
    const flows = [flow('udp', far, 20_000), flow('tcp', far, 20_001), flow('udp', elsewhere, 20_002)];
    const live = await LiveFlows.open(bed.pod, flows);
    expect(await live.seen()).toEqual([pod, pod, node]);

    await change(`${keepsTen}rejudgeConnections: udp\n`);
    const line = await agent.waitFor(/connections were deleted/);
    expect(line.text).toContain('deleted=1');
    expect(await live.seen()).toEqual([node, pod, node]);
    // What is left is of TCP.
    expect((await connectionsOn(bed)).report).toMatchObject({ otherwise: { count: 1 } });
  });

  it('leaves them alone where the config does not say so, and tells beforehand how many there will be', async () => {
    await start(keepsFar);
    const live = await LiveFlows.open(bed.pod, [flow('udp', far, 20_000), flow('udp', elsewhere, 20_001)]);
    expect(await live.seen()).toEqual([pod, node]);

    const next = `${bed.directory}/next.yaml`;
    await bed.node.feed(keepsTen, 'tee', next);
    const diff = new AgentProcess(bed.node, ['diff', next, '--output', 'json']);
    expect((await diff.exited).code).toBe(4);
    const told = diff.lines.flatMap(({ stream, text }) => (stream === 'stdout' ? [text] : [])).join('\n');
    expect(JSON.parse(told)).toMatchObject({ connections: { otherwise: 1 } });

    await change(keepsTen);
    expect(await live.seen()).toEqual([pod, node]);
    expect(agent.output).not.toContain('deleted');
  });

  it('are judged by what it keeps in force while the config on disk is bad', async () => {
    await start(keepsFar);
    const live = await LiveFlows.open(bed.pod, [flow('udp', far, 20_000)]);
    await bed.config.write({ config: 'nonMasqueradeCIDRs: [nonsense]\n' });
    await agent.waitFor(/config rejected/);
    const command = new AgentProcess(bed.node, ['connections', '--rejudge', 'all', '--output', 'json']);
    expect(await command.exited).toMatchObject({ code: 0 });
    expect(command.output).toContain('"deleted": 0');
    expect(await live.seen()).toEqual([pod]);
  });
});
