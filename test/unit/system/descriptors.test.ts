import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { openFileLimit, spareDescriptors } from '../../../src/system/descriptors.ts';

const limits = (line: string): string =>
  `Limit                     Soft Limit           Hard Limit           Units\n${line}\n`;

describe('openFileLimit', () => {
  it.each([
    ['Max open files            64                   1048576              files', 64],
    ['Max open files            unlimited            unlimited            files', Number.POSITIVE_INFINITY],
    ['Max locked memory         8388608              8388608              bytes', Number.POSITIVE_INFINITY],
  ])('reads %j as %d', (line, limit) => {
    expect(openFileLimit(limits(line))).toBe(limit);
  });
});

describe('spareDescriptors', () => {
  it('counts what this process may open beside its own needs', async () => {
    expect(await spareDescriptors()).toBeGreaterThan(100);
  });

  it('is a clear error where there are too few', () => {
    const script = `import('./src/system/descriptors.ts').then(({ spareDescriptors }) => spareDescriptors())
      .catch(({ code, message }) => console.log(code, message));`;
    const { stdout } = spawnSync('sh', ['-c', 'ulimit -n 40; exec "$0" -e "$1"', process.execPath, script], {
      encoding: 'utf8',
    });
    expect(stdout).toMatch(/^TOO_FEW_DESCRIPTORS this process may have 40 files open, and needs \d+ at least\n$/);
  });
});
