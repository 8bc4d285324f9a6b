import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRunner, systemRunner, systemStreamer } from '../../../src/system/run.ts';

const node = process.execPath;

describe('systemRunner', () => {
  it('gives output and exit code, whatever the code', async () => {
    const script = 'process.stdout.write("out\\n"); process.stderr.write("err\\n"); process.exitCode = 3';
    expect(await systemRunner.run({ tool: node, args: ['-e', script] })).toEqual({
      exitCode: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    });
  });

  it('passes arguments as they are, without a shell', async () => {
    const { stdout } = await systemRunner.run({ tool: 'printf', args: ['%s|', '$(id)', '; rm -rf /', "it's"] });
    expect(stdout).toBe("$(id)|; rm -rf /|it's|");
  });

  it('feeds the input, and end of file without one', async () => {
    expect((await systemRunner.run({ tool: 'cat', args: [], input: 'a\nb' })).stdout).toBe('a\nb');
    expect((await systemRunner.run({ tool: 'cat', args: [] })).stdout).toBe('');
  });

  it('gives tools the C locale and the rest of the environment', async () => {
    const { stdout } = await systemRunner.run({ tool: 'sh', args: ['-c', 'test -n "$PATH" && echo "$LC_ALL"'] });
    expect(stdout).toBe('C\n');
  });

  it('survives a tool that does not read its input', async () => {
    const result = await systemRunner.run({ tool: 'true', args: [], input: 'x'.repeat(1_000_000) });
    expect(result.exitCode).toBe(0);
  });

  it('says TOOL_MISSING for what is not there or can’t be run', async () => {
    await expect(systemRunner.run({ tool: 'no-such-tool', args: [] })).rejects.toMatchObject({ code: 'TOOL_MISSING' });
    await expect(systemRunner.run({ tool: '/etc/passwd', args: [] })).rejects.toMatchObject({ code: 'TOOL_MISSING' });
  });

  it('kills a tool that hangs, even one that ignores SIGTERM', async () => {
    const args = ['-c', 'trap "" TERM; while :; do sleep 0.05; done'];
    await expect(systemRunner.run({ tool: 'sh', args, timeoutMs: 200 })).rejects.toMatchObject({
      code: 'TOOL_TIMEOUT',
    });
  });

  it('ends a tool with the signal, and does not start one after it', async () => {
    const stop = new AbortController();
    const running = systemRunner.run({ tool: 'sleep', args: ['60'], signal: stop.signal });
    stop.abort();
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(systemRunner.run({ tool: 'sleep', args: ['60'], signal: stop.signal })).rejects.toMatchObject({
      code: 'ABORTED',
    });
  });

  it('does not wait for what a tool has started: it kills it', async () => {
    const { stdout } = await systemRunner.run({ tool: 'sh', args: ['-c', 'sleep 600 & echo $!'] });
    // Gone, or waiting for whoever adopts orphans to take note of its end.
    const status = () =>
      existsSync(`/proc/${stdout.trim()}/status`) && readFileSync(`/proc/${stdout.trim()}/status`, 'utf8');
    await expect.poll(() => String(status())).not.toMatch(/^State:\s+[RSD]/m);
  });

  it('nor for what has left its process group and holds its pipes, and reads all that the tool wrote', async () => {
    const script = 'setsid sleep 600 & echo $!; head -c 300000 /dev/zero';
    const { stdout } = await systemRunner.run({ tool: 'sh', args: ['-c', script] });
    process.kill(Number.parseInt(stdout, 10));
    expect(stdout.replace(/^\d+\n/, '')).toHaveLength(300_000);
  });

  it('gives nothing to a tool that prints without end', async () => {
    const run = systemRunner.run({ tool: 'cat', args: ['/dev/zero'] });
    await expect(run).rejects.toMatchObject({ code: 'TOOL_FAILED', message: expect.stringContaining('printed more') });
  });

  // A process in a frozen cgroup (v1) is not ended by SIGKILL, as one that hangs in the kernel.
  const freezer = '/sys/fs/cgroup/freezer';
  const canFreeze = existsSync(freezer) && process.getuid?.() === 0;
  describe.runIf(canFreeze)('with a tool that can’t be killed', () => {
    const group = `${freezer}/ip-masq-agent-test-${process.pid}`;
    const freeze = ['-c', `echo $$ > ${group}/cgroup.procs; echo FROZEN > ${group}/freezer.state`];
    beforeEach(() => mkdirSync(group));
    afterEach(async () => {
      writeFileSync(`${group}/freezer.state`, 'THAWED');
      await expect.poll(() => readFileSync(`${group}/cgroup.procs`, 'utf8'), { timeout: 10_000 }).toBe('');
      rmdirSync(group);
    });

    it('gives it up after the time-out', async () => {
      const run = systemRunner.run({ tool: 'sh', args: freeze, timeoutMs: 200 });
      await expect(run).rejects.toMatchObject({ code: 'TOOL_STUCK' });
    });

    it('gives it up when it is told to stop', async () => {
      const stop = new AbortController();
      const run = systemRunner.run({ tool: 'sh', args: freeze, signal: stop.signal });
      await expect.poll(() => readFileSync(`${group}/cgroup.procs`, 'utf8')).not.toBe('');
      stop.abort();
      await expect(run).rejects.toMatchObject({ code: 'TOOL_STUCK' });
    });

    it('lets its own process end', async () => {
      const program = `import { systemRunner } from ${JSON.stringify(join(process.cwd(), 'src/system/run.ts'))};
        await systemRunner.run({ tool: 'sh', args: ${JSON.stringify(freeze)}, timeoutMs: 100 }).catch(({ code }) => console.log(code));`;
      const { stdout } = await systemRunner.run({ tool: node, args: ['--input-type=module', '-e', program] });
      expect(stdout).toBe('TOOL_STUCK\n');
    });
  });

  it.each([
    ['TERM', 'TOOL_FAILED'],
    ['SEGV', 'TOOL_CRASHED'],
    ['ABRT', 'TOOL_CRASHED'],
    // Somebody ran out of memory.
    ['KILL', 'KERNEL_RESOURCE'],
  ])('has a code for a tool that SIG%s ended: %s', async (signal, code) => {
    const run = systemRunner.run({ tool: 'sh', args: ['-c', `kill -${signal} $$`] });
    await expect(run).rejects.toMatchObject({ code });
  });
});

describe('createRunner', () => {
  it('tells of each child as it starts and as it ends', async () => {
    const seen: string[] = [];
    const runner = createRunner({
      started: (pid, { tool }) => seen.push(`started ${tool} ${pid > 0}`),
      ended: (pid) => seen.push(`ended ${pid > 0}`),
    });
    const running = runner.run({ tool: 'cat', args: [], input: 'x' });
    expect(seen).toEqual(['started cat true']);
    await running;
    expect(seen).toEqual(['started cat true', 'ended true']);
  });

  it('tells of nothing that could not be started', async () => {
    const fail = () => {
      throw new Error('there is no child');
    };
    const runner = createRunner({ started: fail, ended: fail });
    await expect(runner.run({ tool: 'no-such-tool', args: [] })).rejects.toMatchObject({ code: 'TOOL_MISSING' });
  });
});

describe('systemStreamer', () => {
  async function streamed(script: string): Promise<{ text: string; exitCode: number; stderr: string; pieces: number }> {
    const pieces: Buffer[] = [];
    const outcome = await systemStreamer.stream({ tool: 'sh', args: ['-c', script] }, (piece) => {
      pieces.push(Buffer.from(piece));
    });
    return { ...outcome, text: Buffer.concat(pieces).toString(), pieces: pieces.length };
  }

  it('hands on all output in pieces, and tells exit code and complaints', async () => {
    const { text, exitCode, stderr, pieces } = await streamed('seq 1 200000; echo oh >&2; exit 3');
    expect(text.split('\n')).toHaveLength(200_001);
    expect(pieces).toBeGreaterThan(1);
    expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: 'oh\n' });
  });

  it('throws what the runner throws', async () => {
    const stream = (tool: string, args: readonly string[], timeoutMs?: number, signal?: AbortSignal) =>
      systemStreamer.stream({ tool, args, signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) }, () => undefined);
    await expect(stream('no-such-tool', [])).rejects.toMatchObject({ code: 'TOOL_MISSING' });
    await expect(stream('sleep', ['60'], 100)).rejects.toMatchObject({ code: 'TOOL_TIMEOUT' });
    await expect(stream('sh', ['-c', 'kill -KILL $$'])).rejects.toMatchObject({ code: 'KERNEL_RESOURCE' });
    const stop = new AbortController();
    const running = stream('sleep', ['60'], undefined, stop.signal);
    stop.abort();
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('ends the tool where its output is refused', async () => {
    const refusal = new Error('not what was expected');
    const endless = systemStreamer.stream({ tool: 'yes', args: [] }, () => {
      throw refusal;
    });
    await expect(endless).rejects.toBe(refusal);
  });
});
