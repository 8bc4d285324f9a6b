import { describe, expect, it } from 'vitest';
import { unreadable } from '../../../src/config/files.ts';
import { formatProblem } from '../../../src/config/problems.ts';

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
