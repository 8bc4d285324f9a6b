import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const packageSchema = z.object({ version: z.string() });
const { version } = packageSchema.parse(JSON.parse(readFileSync('package.json', 'utf8')));

describe('the version of package.json', () => {
  it('is that of package-lock.json, in both places', () => {
    const lockSchema = packageSchema.extend({ packages: z.object({ '': packageSchema }) });
    const lock = lockSchema.parse(JSON.parse(readFileSync('package-lock.json', 'utf8')));
    expect([lock.version, lock.packages[''].version]).toEqual([version, version]);
  });

  it('is the newest of the changelog', () => {
    const [newest] = readFileSync('CHANGELOG.md', 'utf8').match(/(?<=^## )\S+/m) ?? [];
    expect(newest).toBe(version);
  });
});
