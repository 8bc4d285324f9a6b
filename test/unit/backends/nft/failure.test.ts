import { describe, expect, it } from 'vitest';
import { isAbsent, nftError } from '../../../../src/backends/nft/failure.ts';

const script =
  'add table inet t\nadd set inet t s { type ipv4_addr; }\nadd element inet t s { 10.0.0.300 }\ndelete set inet t other\n';

describe('nftError', () => {
  it.each<[string, string]>([
    [
      'Operation not permitted (you must be root)\nnetlink: Error: cache initialization failed: Operation not permitted',
      'NO_PERMISSION',
    ],
    ['/dev/stdin:1:1-16: Error: Could not process rule: Operation not permitted', 'NO_PERMISSION'],
    ['netlink: Error: Could not process rule: Cannot allocate memory', 'KERNEL_RESOURCE'],
    ['utils.c:38: Memory allocation failure', 'KERNEL_RESOURCE'],
    ['netlink: Error: Could not process rule: No buffer space available', 'KERNEL_RESOURCE'],
    ['/dev/stdin:1:1-16: Error: Could not process rule: Operation not supported', 'KERNEL_UNSUPPORTED'],
    ['/dev/stdin:1:1-16: Error: syntax error, unexpected string', 'RULESET_REJECTED'],
    ['/dev/stdin:4:1-16: Error: Could not process rule: No such file or directory', 'RULESET_RACED'],
    ['/dev/stdin:2:1-16: Error: Could not process rule: Device or resource busy', 'RULESET_RACED'],
    ['Segmentation fault', 'TOOL_CRASHED'],
    ['', 'TOOL_FAILED'],
  ])('takes %j for %s', (stderr, code) => {
    expect(nftError({ exitCode: 1, stdout: '', stderr }, script).code).toBe(code);
  });

  it('names the line of the script', () => {
    const stderr =
      '/dev/stdin:3:24-33: Error: Could not resolve hostname\nadd element inet t s { 10.0.0.300 }\n   ^^^^\n';
    expect(nftError({ exitCode: 1, stdout: '', stderr }, script).message).toBe(
      'nft: Could not resolve hostname (line 3: add element inet t s { 10.0.0.300 })',
    );
  });

  /** As a kernel without the module answers to the whole transaction, in which nobody can have interfered. */
  it.each([
    ['fib daddr type local return', 'nft_fib_inet'],
    ['counter name "c" masquerade fully-random', 'nft_masq'],
    ['numgen random mod 2 < 1 accept', 'nft_numgen'],
    ['type nat hook postrouting priority srcnat; policy accept;', 'nft_chain_nat'],
  ])('names the kernel module that %s lacks', (rule, module) => {
    const own = `table inet t {\n\tcounter c {\n\t}\n\tchain x {\n\t\t${rule}\n\t}\n}\n`;
    const stderr = '/dev/stdin:5:3-20: Error: Could not process rule: No such file or directory\n';
    const error = nftError({ exitCode: 1, stdout: '', stderr }, own);
    expect(error).toMatchObject({ code: 'KERNEL_MODULE_MISSING' });
    expect(error.message).toContain(`module ${module}`);
  });

  it('takes what another transaction made for gone', () => {
    const stderr = '/dev/stdin:1:3-20: Error: Could not process rule: No such file or directory\n';
    const rule = 'add rule inet t postrouting ip daddr @x return\n';
    expect(nftError({ exitCode: 1, stdout: '', stderr }, rule).code).toBe('RULESET_RACED');
  });

  it('says something where nft says nothing', () => {
    expect(nftError({ exitCode: 7, stdout: '', stderr: '' }, script).message).toContain('exit code 7');
  });
});

describe('isAbsent', () => {
  it('is only for a failure that says so', () => {
    expect(isAbsent({ exitCode: 1, stdout: '', stderr: 'Error: No such file or directory' })).toBe(true);
    expect(isAbsent({ exitCode: 0, stdout: '', stderr: 'Error: No such file or directory' })).toBe(false);
    expect(isAbsent({ exitCode: 1, stdout: '', stderr: 'Operation not permitted' })).toBe(false);
  });
});
