import { describe, expect, it } from 'vitest';
import {
  iptablesError,
  isChainAbsent,
  isIncompatible,
  isRuleAbsent,
} from '../../../../src/backends/iptables/failure.ts';

const command = {
  tool: 'iptables-legacy-restore',
  args: ['-w', '5', '--noflush'],
  input: '*nat\n-D POSTROUTING -j A\n-X A\nCOMMIT\n',
};

function errorOf(exitCode: number, stderr: string) {
  return iptablesError(command, { exitCode, stdout: '', stderr });
}

describe('a failure of iptables', () => {
  // What 1.8.9 and 1.8.11 print.
  it.each([
    [
      4,
      "Can't lock /run/xtables.lock: Resource temporarily unavailable\nAnother app is currently holding the xtables lock. Stopped waiting after 1s.\n",
      'XTABLES_LOCK',
    ],
    [
      4,
      'Another app is currently holding the xtables lock; still 1s 0us time ahead to have a chance to grab the lock...\nAnother app is currently holding the xtables lock. Stopped waiting after 5s.\n',
      'XTABLES_LOCK',
    ],
    [4, "Fatal: can't open lock file /run/xtables.lock: Read-only file system\n", 'XTABLES_LOCK'],
    [
      4,
      'iptables v1.8.9 (nf_tables): Could not fetch rule set generation id: Permission denied (you must be root)\n',
      'NO_PERMISSION',
    ],
    [1, 'iptables-nft-restore: line 5 failed: Permission denied (you must be root).\n', 'NO_PERMISSION'],
    [
      3,
      "iptables v1.8.9 (legacy): can't initialize iptables table `nat': Permission denied (you must be root)\nPerhaps iptables or your kernel needs to be upgraded.\n",
      'NO_PERMISSION',
    ],
    [
      3,
      "iptables v1.8.9 (legacy): can't initialize iptables table `nat': Table does not exist (do you need to insmod?)\nPerhaps iptables or your kernel needs to be upgraded.\n",
      'KERNEL_UNSUPPORTED',
    ],
    [
      3,
      "iptables v1.8.9 (legacy): can't initialize iptables table `nat': iptables who? (do you need to insmod?)\n",
      'KERNEL_UNSUPPORTED',
    ],
    [1, 'iptables: Failed to initialize nft: Protocol not supported\n', 'KERNEL_UNSUPPORTED'],
    [
      4,
      'iptables-nft-restore v1.8.9 (nf_tables): \nline 4: CHAIN_ADD failed (Operation not supported): chain POSTROUTING\n',
      'KERNEL_UNSUPPORTED',
    ],
    [
      4,
      'iptables-nft-restore v1.8.9 (nf_tables): \nline 3: RULE_APPEND failed (No such file or directory): rule in chain A\n',
      'KERNEL_UNSUPPORTED',
    ],
    [
      1,
      'iptables-nft-restore: line 2 failed: Bad rule (does a matching rule exist in that chain?).\n',
      'RULESET_RACED',
    ],
    [1, 'iptables-restore: line 2 failed\n', 'RULESET_RACED'],
    [
      2,
      "iptables-nft-restore v1.8.9 (nf_tables): Chain 'A' does not exist\nError occurred at line: 2\nTry `iptables-nft-restore -h' or 'iptables-nft-restore --help' for more information.\n",
      'RULESET_RACED',
    ],
    [
      2,
      "iptables-restore v1.8.9 (legacy): Couldn't load target `A':No such file or directory\n\nError occurred at line: 2\nTry `iptables-restore -h' or 'iptables-restore --help' for more information.\n",
      'RULESET_RACED',
    ],
    [
      4,
      'iptables-nft-restore v1.8.9 (nf_tables): \nline 3: RULE_APPEND failed (No buffer space available): rule in chain A\n',
      'KERNEL_RESOURCE',
    ],
    [
      2,
      "iptables-restore v1.8.9 (legacy): invalid mask `104' specified\nError occurred at line: 2\n",
      'RULESET_REJECTED',
    ],
    [1, 'iptables-restore: line 3 failed\n', 'TOOL_FAILED'],
    [
      4,
      'iptables-nft-restore v1.8.9 (nf_tables): \nline 3: CHAIN_DEL failed (Device or resource busy): chain A\n',
      'TOOL_FAILED',
    ],
    [139, '', 'TOOL_FAILED'],
  ])('with exit code %i and %j is %s', (exitCode, stderr, code) => {
    expect(errorOf(exitCode, stderr).code).toBe(code);
  });

  it('names tool, reason and the line of the transaction, without the advice of the tool', () => {
    const stderr =
      "# Warning: iptables-legacy tables present\nbad thing\nError occurred at line: 2\nTry `iptables-restore -h' for more\n";
    expect(errorOf(2, stderr).message).toBe(
      'iptables-legacy-restore -w 5 --noflush: bad thing Error occurred at line: 2 (at `-D POSTROUTING -j A`)',
    );
  });

  it('tells why a chain may have to stay', () => {
    expect(errorOf(1, 'iptables-restore: line 3 failed\n').message).toMatch(/\(at `-X A`\); a rule of another program/);
  });

  it('says so where the tool gave no reason', () => {
    expect(errorOf(1, '').message).toBe('iptables-legacy-restore -w 5 --noflush: exit code 1 without a reason');
  });
});

describe('what is absent or unreadable', () => {
  const incompatible = "iptables v1.8.9 (nf_tables): chain `A' in table `nat' is incompatible, use 'nft' tool.\n";
  const absent = 'iptables: No chain/target/match by that name.\n';
  const noRule = 'iptables: Bad rule (does a matching rule exist in that chain?).\n';
  const outcome = (exitCode: number, stderr: string) => ({ exitCode, stdout: '', stderr });

  it('is told from failures', () => {
    expect(isChainAbsent(outcome(1, absent))).toBe(true);
    expect(isChainAbsent(outcome(1, incompatible))).toBe(true);
    expect(isChainAbsent(outcome(4, 'Permission denied'))).toBe(false);
    expect(isIncompatible(incompatible)).toBe(true);
    expect(isIncompatible(absent)).toBe(false);
    expect(isRuleAbsent(outcome(1, noRule))).toBe(true);
    expect(isRuleAbsent(outcome(2, "iptables v1.8.9 (nf_tables): Chain 'A' does not exist\n"))).toBe(true);
    expect(isRuleAbsent(outcome(4, 'Permission denied'))).toBe(false);
    expect(isRuleAbsent(outcome(0, ''))).toBe(false);
  });
});
