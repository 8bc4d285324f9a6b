import { describe, expect, it } from 'vitest';
import { createRunner, systemRunner } from '../../../src/system/run.ts';

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

  it.each([
    ['TERM', 'TOOL_FAILED'],
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
