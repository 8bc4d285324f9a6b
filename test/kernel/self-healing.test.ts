import { afterEach, beforeEach, it } from 'vitest';
import { table } from '../../src/backends/nft/names.ts';
import type { AgentProcess } from './harness/agent-process.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { TestBed } from './harness/test-bed.ts';

describeKernel('foreign changes of the nft rules', () => {
  let bed: TestBed;
  let agent: AgentProcess;
  beforeEach(async () => {
    bed = await TestBed.create();
    await bed.config.write({ config: 'nonMasqueradeCIDRs: [10.0.0.0/8]\n' });
    // No resync comes to help.
    agent = bed.startAgent('--backend', 'nft', '--resync-interval', '1h', '--log-level', 'debug');
    await agent.waitFor(/rules applied/);
    // What happens before the monitor listens is found by the look that follows.
    await bed.node.run('nft', 'flush', 'ruleset');
    await agent.waitFor(/repaired/, { timeoutMs: 5_000 });
  });
  afterEach(() => bed.close());

  it('do not make the agent fight without end, and it says who it fights', async () => {
    for (let attack = 0; attack < 25; attack++) {
      const from = agent.lines.length;
      await bed.node.feed(`flush chain ${table} postrouting\n`, 'nft', '-f', '-');
      const line = await agent.waitFor(/repaired|another program keeps changing/, { from, timeoutMs: 10_000 });
      if (/another program/.test(line.text)) return;
    }
    throw new Error(`no word of a fight:\n${agent.output}`);
  });

  it('are heard again after the monitor itself was killed', async () => {
    const monitors = (await bed.node.run('pgrep', '-P', String(agent.pid), '-x', 'nft')).trim().split('\n').map(Number);
    for (const pid of monitors) process.kill(pid);
    await agent.waitFor(/changes of the rules are not heard of for a moment/);
    const from = agent.lines.length;
    // The first restart comes after two seconds, and a look a second later.
    await agent.waitFor(/rules in sync.*trigger=resync/, { from, timeoutMs: 10_000 });
    await bed.node.run('nft', 'flush', 'ruleset');
    await agent.waitFor(/repaired/, { from, timeoutMs: 5_000 });
  });
});
