import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { processesOfThisNetwork } from '../../../src/system/processes.ts';

describe('processesOfThisNetwork', () => {
  it('finds a process with its arguments, its executable and its start, but not this one', async () => {
    const before = Date.now();
    const child = spawn(process.execPath, [
      '--eval',
      'setInterval(() => {}, 1e6); console.log("up")',
      'two  words',
      '',
    ]);
    await once(child.stdout, 'data');
    const processes = await processesOfThisNetwork();
    const found = processes.find(({ pid }) => pid === child.pid);
    child.kill();
    expect(found?.args.slice(3)).toEqual(['two  words', '']);
    expect(found?.executable).toBe(process.execPath);
    // The kernel tells the time of the boot in whole seconds.
    expect(Math.abs((found?.startedAt.getTime() ?? 0) - before)).toBeLessThan(60_000);
    expect(processes.map(({ pid }) => pid)).not.toContain(process.pid);
  });
});
