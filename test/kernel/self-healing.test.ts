import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { table } from '../../src/backends/nft/names.ts';
import { AgentProcess, nodeOptions } from './harness/agent-process.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { TestBed } from './harness/test-bed.ts';

/** The contract says 200 ms for iptables-nft; a busy machine gets five times that. */
const repairLimitMs = 1_000;
/** It is five seconds until the next look, where the kernel can't be heard. */
const pollLimitMs = 25_000;

describeKernel('foreign changes', () => {
  let bed: TestBed;
  beforeEach(async () => {
    bed = await TestBed.create();
    await bed.config.write({ config: 'nonMasqueradeCIDRs: [10.0.0.0/8]\n' });
  });
  afterEach(() => bed.close());

  /** An agent that has settled; no resync comes to help. */
  async function start(backend: string, options: readonly string[] = nodeOptions): Promise<AgentProcess> {
    const flags = ['--backend', backend, '--resync-interval=1h', '--log-level=debug'];
    const agent = new AgentProcess(bed.node, ['--config', bed.config.directory, ...flags], {}, options);
    await agent.waitFor(/rules applied/);
    // The look once it listens, for what has happened before.
    await agent.waitFor(/rules in sync.*trigger=resync/);
    return agent;
  }

  async function expectRepair(agent: AgentProcess, timeoutMs: number, tool: string, ...args: string[]) {
    const from = agent.lines.length;
    await bed.node.run(tool, ...args);
    const startedAt = performance.now();
    const { text } = await agent.waitFor(/repaired/, { from });
    expect(performance.now() - startedAt).toBeLessThan(timeoutMs);
    expect(text).toMatch(/trigger=foreign-change/);
    return text;
  }

  it('do not make the agent repair without end, and it says who changes the rules', async () => {
    const agent = await start('nft');
    for (let attack = 0; attack < 25; attack++) {
      const from = agent.lines.length;
      await bed.node.feed(`flush chain ${table} postrouting\n`, 'nft', '-f', '-');
      const line = await agent.waitFor(/repaired|another program keeps changing/, { from, timeoutMs: 10_000 });
      expect(line.text).toMatch(/changedBy="process \d+ \(nft\)"/);
      if (/another program/.test(line.text)) return;
    }
    throw new Error(`no word of a conflict:\n${agent.output}`);
  });

  it('are found also where the kernel could not tell of them', async () => {
    const agent = await start('nft');
    const from = agent.lines.length;
    agent.signal('SIGSTOP');
    const elements = Array.from({ length: 50_000 }, (_, index) => `10.${index >> 8}.${index & 255}.1`).join(', ');
    await bed.node.feed('add table ip other\nadd set ip other large { type ipv4_addr; }\n', 'nft', '-f', '-');
    const load = `flush set ip other large\nadd element ip other large { ${elements} }\n`;
    for (let times = 0; times < 3; times++) await bed.node.feed(load, 'nft', '-f', '-');
    await bed.node.run('nft', 'delete', 'table', ...table.split(' '));
    agent.signal('SIGCONT');
    // Without a word of whose change it was: that is among what was lost.
    const { text } = await agent.waitFor(/repaired.*trigger=(foreign-change|resync)/, { from });
    expect(text).not.toContain('changedBy');
    // Once it hears again, it looks for what it may have missed.
    await agent.waitFor(/rules in sync.*trigger=resync.*verifiedBy=read/, { from });
    await expectRepair(agent, repairLimitMs, 'nft', 'delete', 'table', ...table.split(' '));
  });

  it('are repaired at once on iptables-nft, whoever makes them', async () => {
    const agent = await start('iptables-nft');
    const changes = [
      ['iptables-nft', '-t', 'nat', '-F', 'IP-MASQ-AGENT'],
      ['iptables-nft', '-t', 'nat', '-F', 'POSTROUTING'],
      ['iptables-nft', '-t', 'nat', '-A', 'IP-MASQ-AGENT', '-j', 'RETURN'],
      ['nft', 'flush', 'ruleset'],
    ] as const;
    for (const [tool, ...args] of changes) {
      expect(await expectRepair(agent, repairLimitMs, tool, ...args)).toMatch(/changedBy="process \d+ \(\S*nft\S*\)"/);
    }
    const [verdict] = await bed.probe([{ source: '10.244.7.2', destination: '10.1.2.3' }]);
    expect(verdict).toMatchObject({ verdict: 'keep' });
  });

  describe.each(['nft', 'iptables-nft'])('on %s where Node gives no access to netlink', (backend) => {
    it('are repaired within seconds, and the agent says so once', async () => {
      const agent = await start(backend, [...nodeOptions, '--no-experimental-ffi']);
      await expectRepair(agent, pollLimitMs, 'nft', 'flush', 'ruleset');
      await expectRepair(agent, pollLimitMs, 'nft', 'flush', 'ruleset');
      expect(agent.lines.filter(({ text }) => /can't be heard from the kernel/.test(text))).toHaveLength(1);
      const endedAt = performance.now();
      expect(await agent.stop()).toEqual({ code: 0, signal: null });
      expect(performance.now() - endedAt).toBeLessThan(5_000);
    }, 60_000);
  });
});

describeKernel('the process of the agent', () => {
  let bed: TestBed;
  beforeEach(async () => {
    bed = await TestBed.create();
    await bed.config.write({ config: 'nonMasqueradeCIDRs: [10.0.0.0/8]\n' });
  });
  afterEach(() => bed.close());

  const childrenOf = async ({ pid }: AgentProcess): Promise<string> =>
    bed.node.run('pgrep', '-a', '-P', String(pid)).catch(() => '');

  it('has its name, no child while it waits, and leaves none when it is killed', async () => {
    const agent = bed.startAgent('--backend=nft', '--resync-interval=1h', '--log-level=debug');
    await agent.waitFor(/rules in sync.*trigger=resync/);
    expect(await readFile(`/proc/${agent.pid}/comm`, 'utf8')).toBe('ip-masq-agent\n');
    expect(await readFile(`/proc/${agent.pid}/cmdline`, 'utf8')).toContain('--resync-interval=1h');
    // Looks for leftovers and for foreign rules come after the start.
    await expect.poll(() => childrenOf(agent), { timeout: 20_000 }).toBe('');
    const before = await bed.node.run('ip', 'netns', 'pids', bed.node.name);
    expect(before.split('\n')).toContain(String(agent.pid));
    agent.signal('SIGKILL');
    await agent.exited;
    const after = await bed.node.run('ip', 'netns', 'pids', bed.node.name);
    const isLeft = (pid: string): boolean => pid !== String(agent.pid);
    expect(after.split('\n').filter(isLeft).length).toBeLessThanOrEqual(before.split('\n').filter(isLeft).length);
  });

  it('ends within a second of SIGTERM, though a read of it is blocked for good', async () => {
    const agent = bed.startAgent('--backend=nft', '--resync-interval=1h', '--log-level=debug');
    await agent.waitFor(/rules in sync.*trigger=resync/);
    await expect.poll(() => childrenOf(agent), { timeout: 20_000 }).toBe('');
    const startedAt = performance.now();
    expect(await agent.stop()).toEqual({ code: 0, signal: null });
    // Five times the contract's second.
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  it('starts no tool at a resync that finds nothing', async () => {
    const agent = bed.startAgent('--backend=nft', '--resync-interval=1s', '--log-level=debug');
    await agent.waitFor(/verifiedBy=events/);
    await expect.poll(() => childrenOf(agent), { timeout: 20_000 }).toBe('');
    // The kernel counts the children that were waited for in their times.
    const childTimes = async () =>
      (await readFile(`/proc/${agent.pid}/stat`, 'utf8')).split(') ')[1]?.split(' ').slice(13, 15);
    const faults = async () => (await readFile(`/proc/${agent.pid}/stat`, 'utf8')).split(') ')[1]?.split(' ')[8];
    const before = [await childTimes(), await faults()];
    const from = agent.lines.length;
    await agent.waitFor(/verifiedBy=events/, { from });
    await agent.waitFor(/verifiedBy=events/, { from: from + 1 });
    expect([await childTimes(), await faults()]).toEqual(before);
  });
});
