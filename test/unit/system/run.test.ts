import { describe, expect, it } from 'vitest';
import { systemFollower, systemRunner, systemStreamer } from '../../../src/system/run.ts';

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

describe('systemFollower', () => {
  it('gives the output as it comes, and the reason of the end', async () => {
    let output = '';
    let errors = '';
    const following = systemFollower.follow(
      { tool: 'sh', args: ['-c', 'echo one; echo oops >&2; exit 4'] },
      {
        onOutput: (piece) => {
          output += piece;
        },
        onError: (piece) => {
          errors += piece;
        },
      },
    );
    expect(await following.ended).toMatch(/exit code 4 oops$/);
    expect([output, errors]).toEqual(['one\n', 'oops\n']);
  });

  it('stops when it is told', async () => {
    const following = systemFollower.follow({ tool: 'sleep', args: ['60'] }, { onOutput: () => {} });
    following.stop();
    expect(await following.ended).toContain('SIGTERM');
  });

  it('does not throw for a tool that is missing', async () => {
    const following = systemFollower.follow({ tool: 'no-such-tool', args: [] }, { onOutput: () => {} });
    expect(await following.ended).toContain('no-such-tool');
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
