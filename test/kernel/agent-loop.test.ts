import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { AgentProcess } from './harness/agent-process.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { TestBed } from './harness/test-bed.ts';

const table = ['inet', 'ip-masq-agent'] as const;
const keepTen = 'nonMasqueradeCIDRs: [10.0.0.0/8]\n';
const keepMore = 'nonMasqueradeCIDRs: [10.0.0.0/8, 203.0.113.0/24]\n';

describeKernel('the agent on nft', () => {
  let bed: TestBed;
  let agent: AgentProcess | undefined;
  beforeAll(async () => {
    bed = await TestBed.create();
  });
  afterAll(() => bed.close());
  beforeEach(() => bed.config.write({ config: keepTen }));
  afterEach(async () => {
    await agent?.stop();
    agent = undefined;
    await bed.node.run('nft', 'flush', 'ruleset');
  });

  async function start(...args: string[]): Promise<AgentProcess> {
    agent = bed.startAgent('--backend', 'nft', ...args);
    await agent.waitFor(/rules applied|rules in sync/);
    return agent;
  }

  /** With handles, so that rules which were written anew differ from rules that were left alone. */
  const ruleset = (): Promise<string> => bed.node.run('nft', '-a', 'list', 'table', ...table);

  async function verdict(destination: string): Promise<string | undefined> {
    const [result] = await bed.probe([{ source: '10.244.7.2', destination }]);
    return result?.verdict;
  }

  it('follows a swap of the ConfigMap volume', async () => {
    const running = await start();
    expect(await verdict('203.0.113.8')).toBe('masquerade');
    await bed.config.write({ config: keepMore });
    const line = await running.waitFor(/rules changed/);
    expect(line.text).toContain('203.0.113.0/24');
    expect(await verdict('203.0.113.8')).toBe('keep');
  });

  it('leaves the rules byte for byte as they are over a bad config, says so once, and takes the next good one', async () => {
    const running = await start('--resync-interval', '1s');
    const before = await ruleset();
    await bed.config.write({ config: 'nonMasqueradeCIDRs: [10.0.0.0/33]\n' });
    const line = await running.waitFor(/config rejected/);
    expect(line.stream).toBe('stderr');
    expect(line.text).toMatch(/config:1:22: .*10\.0\.0\.0\/33/);
    await running.waitFor(/./, { from: running.lines.length, timeoutMs: 2_500 }).catch(() => undefined);
    expect(running.lines.filter(({ text }) => / (error|warn) .*rejected/.test(text))).toHaveLength(1);
    expect(await ruleset()).toBe(before);
    await bed.config.write({ config: keepMore });
    await running.waitFor(/rules changed/);
    expect(await verdict('203.0.113.8')).toBe('keep');
  });

  it('starts with a bad config without touching the rules of a previous run, and recovers', async () => {
    await (await start()).stop();
    const before = await ruleset();
    await bed.config.write({ config: 'nonMasqueradeCIDRs: 10.0.0.0/8\n' });
    agent = bed.startAgent('--backend', 'nft');
    await agent.waitFor(/config rejected, no config was accepted yet/);
    expect(await ruleset()).toBe(before);
    await bed.config.write({ config: keepMore });
    await agent.waitFor(/rules applied/);
    expect(await verdict('203.0.113.8')).toBe('keep');
  });

  it('finds its rules in sync when it starts again, and writes nothing', async () => {
    await (await start()).stop();
    const before = await ruleset();
    await start('--log-level', 'debug');
    expect(await ruleset()).toBe(before);
  });

  it('puts back flushed rules at the next resync', async () => {
    const running = await start('--resync-interval', '1s');
    await bed.node.run('nft', 'flush', 'ruleset');
    await running.waitFor(/repaired/);
    expect(await verdict('203.0.113.8')).toBe('masquerade');
    expect(await verdict('10.1.2.3')).toBe('keep');
  });

  it('looks at the kernel on SIGHUP', async () => {
    const running = await start();
    await bed.node.run('nft', 'delete', 'table', ...table);
    running.signal('SIGHUP');
    await running.waitFor(/repaired.*trigger=signal/);
    expect(await verdict('10.1.2.3')).toBe('keep');
  });

  it('ends on SIGTERM with exit code 0 and leaves the rules', async () => {
    const running = await start();
    const before = await ruleset();
    expect(await running.stop()).toEqual({ code: 0, signal: null });
    expect(await ruleset()).toBe(before);
  });

  it('watches a single file, too, which may come later', async () => {
    const file = join(bed.directory, 'late.yaml');
    const single = bed.startAgent('--backend', 'nft', '--config', file);
    agent = single;
    await single.waitFor(/rules applied/);
    await writeFile(file, keepMore);
    await single.waitFor(/rules changed/);
    expect(await verdict('203.0.113.8')).toBe('keep');
  });

  it('prints with render exactly what it applies', async () => {
    const running = await start();
    const applied = await bed.node.run('nft', '-s', 'list', 'table', ...table);
    await running.stop();
    await bed.node.run('nft', 'flush', 'ruleset');
    const first = bed.startAgent('render', '--backend', 'nft');
    expect((await first.exited).code).toBe(0);
    for (const transaction of first.output.split(/^# Transaction .*$/m).slice(1)) {
      await bed.node.feed(transaction, 'nft', '-f', '-');
    }
    expect(await bed.node.run('nft', '-s', 'list', 'table', ...table)).toBe(applied);
    const second = bed.startAgent('render', '--backend', 'nft');
    await second.exited;
    expect(second.output).toBe(first.output);
  });

  it('replaces whatever an older agent left in its table', async () => {
    const older = `table ${table.join(' ')} {
      set nonmasq4 { type ipv4_addr; flags interval; auto-merge; elements = { 203.0.113.0/24 }; }
      map old-map { type ipv4_addr : verdict; }
      counter old-counter {}
      chain do-masq { counter name "old-counter" masquerade; }
      chain postrouting {
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr vmap @old-map
        ip daddr @nonmasq4 return
        goto do-masq
      }
    }`;
    await bed.node.feed(older, 'nft', '-f', '-');
    await start();
    const text = await ruleset();
    expect(text).not.toMatch(/nonmasq4|do-masq|old-/);
    expect(text).toContain('priority srcnat + 10;');
    expect(await verdict('203.0.113.8')).toBe('masquerade');
    expect(await verdict('10.1.2.3')).toBe('keep');
  });

  it('cleans up to the last rule, twice', async () => {
    await (await start()).stop();
    for (const said of [/removed nft table inet ip-masq-agent/, /nothing to remove/]) {
      const cleanup = bed.startAgent('cleanup');
      expect((await cleanup.exited).code).toBe(0);
      expect(cleanup.output).toMatch(said);
    }
    expect(await bed.node.run('nft', 'list', 'ruleset')).toBe('');
  });
});
