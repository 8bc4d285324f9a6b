import { describe, expect, it } from 'vitest';
import type { Probe } from '../../../../src/backends/backend.ts';
import { createIptablesBackend } from '../../../../src/backends/iptables/backend.ts';
import type { Flavour } from '../../../../src/backends/iptables/names.ts';
import { AgentError } from '../../../../src/errors.ts';
import { type ExpectedCommand, fakeRunner } from '../../../fakes/runner.ts';

async function probe(
  flavour: Flavour,
  legacyTables: readonly string[],
  ...commands: ExpectedCommand[]
): Promise<Probe> {
  const runner = fakeRunner(commands);
  const backend = createIptablesBackend({
    flavour,
    chain: 'IP-MASQ-AGENT',
    runner,
    readLegacyTables: async () => legacyTables,
  });
  const result = await backend.probe();
  runner.assertDone();
  return result;
}

const denied = 'iptables: Permission denied (you must be root)\n';
const locked = 'Another app is currently holding the xtables lock. Stopped waiting after 5s.\n';
const noLockFile = "Fatal: can't open lock file /run/xtables.lock: Read-only file system\n";
const missing = new AgentError('TOOL_MISSING', 'not installed');

describe('the nft flavour', () => {
  const test = (outcome: ExpectedCommand['outcome']): ExpectedCommand => ({
    tool: 'iptables-nft-restore',
    args: ['-w', '5', '--noflush', '--test'],
    ...(outcome ? { outcome } : {}),
  });

  it('is usable where the tool accepts the rules', async () => {
    expect(await probe('nft', [], test({}))).toEqual({
      usable: true,
      reason: 'iptables-nft-restore --test accepts the rules',
    });
  });

  it.each([
    ['without the tool', missing, /not installed/],
    ['without permission', { exitCode: 1, stderr: denied }, /Permission denied/],
    [
      'on a kernel that lacks an extension',
      { stderr: 'Warning: Extension MASQUERADE revision 0 not supported, missing kernel module?\n' },
      /missing kernel module/,
    ],
  ])('is not %s', async (_, outcome, reason) => {
    expect(await probe('nft', [], test(outcome))).toEqual({ usable: false, reason: expect.stringMatching(reason) });
  });
});

describe('the legacy flavour', () => {
  const real = (outcome: ExpectedCommand['outcome']): ExpectedCommand => ({
    tool: 'iptables-legacy',
    args: ['-w', '5', '-t', 'nat', '-S', 'POSTROUTING'],
    ...(outcome ? { outcome } : {}),
  });
  const harmless = (outcome: ExpectedCommand['outcome']): ExpectedCommand => ({
    tool: 'iptables-legacy',
    args: ['-w', '5', '--modprobe=/bin/true', '-t', 'ip-masq-agent-probe', '-S'],
    ...(outcome ? { outcome } : {}),
  });
  const modprobe = (outcome: ExpectedCommand['outcome']): ExpectedCommand => ({
    tool: 'modprobe',
    args: ['--dry-run', '--quiet', 'iptable_nat'],
    ...(outcome ? { outcome } : {}),
  });
  const noTable =
    "iptables v1.8.9 (legacy): can't initialize iptables table `ip-masq-agent-probe': Table does not exist (do you need to insmod?)\n";
  const noModule =
    "iptables v1.8.9 (legacy): can't initialize iptables table `ip-masq-agent-probe': iptables who? (do you need to insmod?)\n";

  it.each([
    ['its table can be read', ['nat'], [real({})]],
    ['somebody holds the lock', ['nat'], [real({ exitCode: 4, stderr: locked })]],
    ['there is no table yet, but the kernel answers', [], [harmless({ exitCode: 3, stderr: noTable })]],
    ['the module can be loaded', [], [harmless({ exitCode: 3, stderr: noModule }), modprobe({})]],
  ])('is usable where %s', async (_, tables, commands) => {
    expect(await probe('legacy', tables, ...commands)).toMatchObject({ usable: true });
  });

  it.each([
    ['without the tool', [], [harmless(missing)], /not installed/],
    ['without permission', [], [harmless({ exitCode: 3, stderr: denied })], /Permission denied/],
    ['where the table can not be read', ['nat'], [real({ exitCode: 3, stderr: denied })], /Permission denied/],
    ['where the lock can not be taken', ['nat'], [real({ exitCode: 4, stderr: noLockFile })], /Read-only file system/],
    [
      'where the kernel has no module',
      [],
      [harmless({ exitCode: 3, stderr: noModule }), modprobe({ exitCode: 1 })],
      /iptables who/,
    ],
    [
      'where nothing could load it',
      [],
      [harmless({ exitCode: 3, stderr: noModule }), modprobe(missing)],
      /iptables who/,
    ],
  ])('is not %s', async (_, tables, commands, reason) => {
    expect(await probe('legacy', tables, ...commands)).toEqual({
      usable: false,
      reason: expect.stringMatching(reason),
    });
  });
});
