import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

describe('main', () => {
  it('takes it quietly when nobody reads what it prints', async () => {
    const child = spawn(process.execPath, ['src/main.ts', 'help'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let complaints = '';
    child.stderr.on('data', (data) => {
      complaints += String(data);
    });
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(complaints).toBe('');
  });

  it('has a command go first where memory runs out, since it may share that of the agent', async () => {
    const child = spawn(process.execPath, ['src/main.ts', 'validate', '-'], { stdio: ['pipe', 'ignore', 'ignore'] });
    await expect
      .poll(() => readFileSync(`/proc/${child.pid}/oom_score_adj`, 'utf8'), { timeout: 30_000 })
      .toBe('1000\n');
    child.stdin.end('masqLinkLocal: true\n');
    expect(await once(child, 'close')).toEqual([0, null]);
  });
});
