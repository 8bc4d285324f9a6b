import { afterEach, beforeEach, expect, it } from 'vitest';
import { AgentProcess } from './harness/agent-process.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { TestBed } from './harness/test-bed.ts';

const loud = /ANOTHER ip-masq-agent WITH ANOTHER CONFIG IS RUNNING/;

describeKernel('two agents with different configs on one node', () => {
  let bed: TestBed;
  let other: TestBed;
  beforeEach(async () => {
    [bed, other] = await Promise.all([TestBed.create(), TestBed.create()]);
    await bed.config.write({ 'ip-masq-agent': 'nonMasqueradeCIDRs: [10.0.0.0/8]\nresyncInterval: 1s\n' });
    await other.config.write({ 'ip-masq-agent': 'nonMasqueradeCIDRs: [172.16.0.0/12]\nresyncInterval: 1s\n' });
  });
  afterEach(() => Promise.all([bed.close(), other.close()]));

  it.each(['nft', 'iptables-nft', 'iptables-legacy'])('tell of each other, once and loudly: %s', async (backend) => {
    const flags = [`--backend=${backend}`, '--healthz-bind-address=127.0.0.1:9101'];
    const first = bed.startAgent(...flags);
    await first.waitFor(/rules applied/);
    const second = new AgentProcess(bed.node, [`--backend=${backend}`, `--config=${other.config.directory}`]);
    await second.waitFor(/rules applied/);
    await first.waitFor(loud);
    const status = new AgentProcess(bed.node, ['status', `--backend=${backend}`, `--config=${bed.config.directory}`]);
    await status.exited;
    expect(status.output).toContain('MORE THAN ONE AGENT RUNS HERE');
    expect(status.output).toMatch(/ANOTHER ip-masq-agent WITH ANOTHER CONFIG seen \d{4}-/);
    // Until both have met a second time.
    const repairs = /changed by somebody else and were repaired/;
    await first.waitFor(repairs, { from: first.lines.length });
    expect(first.lines.filter(({ text }) => loud.test(text))).toHaveLength(1);
    await Promise.all([first.stop(), second.stop()]);
  });
});
