import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AgentProcess } from './harness/agent-process.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { TestBed } from './harness/test-bed.ts';

/** What goes wrong with nft, as the commands of a shell script that stands in for it, and what the agent calls it. */
const faults: Readonly<Record<string, readonly [script: string, code: string]>> = {
  'fails in a way nobody expected': ['echo "oddly broken" >&2; exit 77', 'TOOL_FAILED'],
  'says nothing': ['exit 1', 'TOOL_FAILED'],
  'is refused by the kernel': ['echo "Operation not permitted (you must be root)" >&2; exit 1', 'CHANGE_REFUSED'],
  'runs out of memory': ['echo "Error: Could not process rule: Cannot allocate memory" >&2; exit 1', 'KERNEL_RESOURCE'],
  'is killed': ['kill -9 $$', 'KERNEL_RESOURCE'],
  'writes nothing and calls it success': [
    'if [ "$1" = -f ]; then cat >/dev/null; else exec /usr/sbin/nft "$@"; fi',
    'READ_BACK_MISMATCH',
  ],
  // What it prints is no listing, and is not taken for a damaged table.
  'does nothing and calls it success': ['cat > /dev/null; exit 0', 'TOOL_FAILED'],
  'prints garbage': ['cat > /dev/null; head -c 100000 /dev/urandom', 'TOOL_FAILED'],
};

describeKernel('an agent whose nft', () => {
  let bed: TestBed;
  let agent: AgentProcess;
  const tool = (): string => join(bed.directory, 'bin', 'nft');

  /** Puts other commands in nft's place. */
  async function replaceNft(script: string): Promise<void> {
    await writeFile(`${tool()}.new`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    await bed.node.run('mv', `${tool()}.new`, tool());
  }

  // Every resync fails while nft does: back-off is capped by the period.
  function start(): AgentProcess {
    const PATH = `${join(bed.directory, 'bin')}:/usr/bin:/bin`;
    const flags = ['--config', bed.config.directory, '--backend=nft', '--resync-interval=1s'];
    return new AgentProcess(bed.node, flags, { PATH });
  }

  beforeEach(async () => {
    bed = await TestBed.create();
    await mkdir(join(bed.directory, 'bin'));
    await replaceNft('exec /usr/sbin/nft "$@"');
    await bed.config.write({ 'ip-masq-agent': 'nonMasqueradeCIDRs: [10.0.0.0/8]\n' });
    agent = start();
    await agent.waitFor(/rules applied/);
  });
  afterEach(() => bed.close());

  const ruleset = (): Promise<string> => bed.node.run('nft', '-a', 'list', 'ruleset');

  async function changeConfig(): Promise<void> {
    await bed.config.write({ 'ip-masq-agent': 'nonMasqueradeCIDRs: [10.0.0.0/8, 203.0.113.0/24]\n' });
  }

  async function expectConvergence(): Promise<void> {
    await agent.waitFor(/rules changed .*203\.0\.113\.0\/24/, { timeoutMs: 45_000 });
    const [verdict] = await bed.probe([{ source: '10.244.7.2', destination: '203.0.113.8' }]);
    expect(verdict?.verdict).toBe('keep');
    expect(await agent.stop()).toEqual({ code: 0, signal: null });
  }

  it.each(Object.entries(faults))('%s reports it, touches nothing, and converges after', async (_, [script, code]) => {
    const before = await ruleset();
    await replaceNft(script);
    await changeConfig();
    await agent.waitFor(new RegExp(`error .*code=${code}`));
    expect(await ruleset()).toBe(before);
    await replaceNft('exec /usr/sbin/nft "$@"');
    await expectConvergence();
  });

  it('is gone reports it and converges when it is back', async () => {
    await chmod(tool(), 0o644);
    await changeConfig();
    await agent.waitFor(/error .*code=TOOL_MISSING/);
    await chmod(tool(), 0o755);
    await expectConvergence();
  });

  it('hangs while it reads ends at once when it is told to', async () => {
    await replaceNft('exec sleep 600');
    agent.signal('SIGHUP');
    await expect.poll(() => bed.node.run('pgrep', '-x', 'sleep').catch(() => ''), { timeout: 5_000 }).not.toBe('');
    expect(await agent.stop()).toEqual({ code: 0, signal: null });
  });

  it('hangs while the agent starts ends at once when it is told to', async () => {
    await replaceNft('exec sleep 600');
    const starting = start();
    const hanging = () => bed.node.run('pgrep', '-x', '-P', String(starting.pid), 'sleep').catch(() => '');
    await expect.poll(hanging, { timeout: 20_000 }).not.toBe('');
    expect(await starting.stop()).toEqual({ code: 0, signal: null });
  });

  it('is a script that runs the real one ends when it is told to', async () => {
    await agent.stop();
    await replaceNft('/usr/sbin/nft "$@"; exit');
    const wrapped = start();
    await wrapped.waitFor(/rules in sync|kernel holds its rules/);
    expect(await wrapped.stop()).toEqual({ code: 0, signal: null });
  }, 15_000);

  it('leaves a child behind that holds its output is not waited for', async () => {
    await replaceNft('setsid sleep 600 &\nexec /usr/sbin/nft "$@"');
    await changeConfig();
    await expectConvergence();
  });

  // A process in a frozen cgroup (v1) is not ended by SIGKILL, as one that hangs in the kernel.
  const freezer = '/sys/fs/cgroup/freezer';
  it.runIf(existsSync(freezer))(
    'can’t be killed is given up, and the agent obeys and converges after',
    async () => {
      const group = join(freezer, `ip-masq-agent-test-${process.pid}`);
      await mkdir(group);
      const setState = (state: string) => writeFile(join(group, 'freezer.state'), state);
      try {
        await replaceNft(`echo $$ > ${group}/cgroup.procs; echo FROZEN > ${group}/freezer.state; sleep 600`);
        await changeConfig();
        // 30 s until it is killed.
        await agent.waitFor(/error .*code=TOOL_STUCK/, { timeoutMs: 60_000 });
        expect(await agent.stop()).toEqual({ code: 0, signal: null });
      } finally {
        await setState('THAWED');
        await expect.poll(() => readFile(join(group, 'cgroup.procs'), 'utf8'), { timeout: 20_000 }).toBe('');
        await rmdir(group);
      }
      await replaceNft('exec /usr/sbin/nft "$@"');
      agent = start();
      await agent.waitFor(/rules applied/);
      expect(await bed.probe([{ source: '10.244.7.2', destination: '203.0.113.8' }])).toMatchObject([
        { verdict: 'keep' },
      ]);
    },
    240_000,
  );

  it('hangs kills it after a time, and converges after', async () => {
    await replaceNft('exec sleep 600');
    await changeConfig();
    // 30 s; a retry that begins before nft is mended hangs as long again.
    await agent.waitFor(/error .*code=TOOL_TIMEOUT/, { timeoutMs: 45_000 });
    await replaceNft('exec /usr/sbin/nft "$@"');
    await expectConvergence();
  });
});
