import { renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fingerprintOf, unreadable } from '../../../src/config/files.ts';
import { formatProblem } from '../../../src/config/problems.ts';
import { ConfigMapVolume, temporaryDirectory } from './volume.ts';

/** When the files of a test are no longer new. */
const later = Date.now() + 3_600_000;

describe('fingerprintOf', () => {
  it('does not vouch for what changed lately', async () => {
    using directory = temporaryDirectory();
    writeFileSync(join(directory.path, 'ip-masq-agent'), 'a: 1\n');
    expect(await fingerprintOf(directory.path)).toBeUndefined();
    expect(await fingerprintOf(directory.path, later)).toBeDefined();
  });

  it('is the same while nothing changes, and another one after any change', async () => {
    using directory = temporaryDirectory();
    const { path } = directory;
    const file = join(path, 'ip-masq-agent');
    const seen = new Set([await fingerprintOf(path, later)]);
    const changes = [
      () => writeFileSync(file, 'a: 1\n'),
      () => writeFileSync(file, 'a: 12\n'),
      // As `cp -p` and editors do: another file of the same size and time.
      () => {
        writeFileSync(`${file}.new`, 'a: 34\n');
        utimesSync(`${file}.new`, 1, 1);
        renameSync(`${file}.new`, file);
      },
      () => writeFileSync(join(path, 'ip-masq-more'), ''),
      () => symlinkSync('nowhere', join(path, 'ip-masq-none')),
    ];
    for (const change of changes) {
      change();
      const fingerprint = await fingerprintOf(path, later);
      expect(await fingerprintOf(path, later)).toBe(fingerprint);
      expect(seen).not.toContain(fingerprint);
      seen.add(fingerprint);
    }
  });

  it('tells the generations of a ConfigMap volume apart', async () => {
    using directory = temporaryDirectory();
    const volume = new ConfigMapVolume(directory.path);
    volume.swapTo(volume.write({ 'ip-masq-agent': '' }));
    volume.link('ip-masq-agent');
    const before = await fingerprintOf(directory.path, later);
    volume.swapTo(volume.write({ 'ip-masq-agent': '' }));
    expect(await fingerprintOf(directory.path, later)).not.toBe(before);
  });
});

describe('unreadable', () => {
  it.each([
    ['EACCES', 'permission denied (EACCES)'],
    ['ENOTDIR', 'a part of the path is not a directory (ENOTDIR)'],
    ['EIO', 'input/output error (EIO)'],
  ])('says what %s means', (code, reason) => {
    const error = Object.assign(new Error('input/output error'), { code });
    expect(formatProblem(unreadable('/etc/config/ip-masq-agent', error))).toBe(
      `/etc/config/ip-masq-agent: can't be read: ${reason} (expected a regular file, or a directory of such, that the agent may read)`,
    );
  });
});
