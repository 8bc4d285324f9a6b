import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseCommandLine } from '../../../src/cli/command-line.ts';
import { commandFunctions } from '../../../src/cli/commands.ts';

const directory = mkdtempSync(join(tmpdir(), 'commands-'));
afterAll(() => rmSync(directory, { recursive: true }));

function configFile(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

const good = configFile('good', 'nonMasqueradeCIDRs:\n  - 10.0.0.0/8\nmasqLinkLocal: yes\n');
const bad = configFile('bad', 'nonMasqueradeCIDRs:\n  - 10.0.0.1/8\n  - 10.0.0.0/33\nresyncInterval: 60\n');
const odd = configFile('odd', 'nonMasqueradeCIDR: [10.0.0.0/8]\n');

async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { command, flags, operands, warnings } = parseCommandLine(args);
  const output = { stdout: '', stderr: '' };
  const code = await commandFunctions[command]({
    flags,
    operands,
    warnings,
    print(text) {
      output.stdout += text;
    },
    complain(text) {
      output.stderr += text;
    },
  });
  return { code, ...output };
}

describe('validate', () => {
  it('accepts a good config', async () => {
    expect(await run('validate', '--config', good)).toEqual({ code: 0, stdout: `valid: ${good}\n`, stderr: '' });
  });

  it('tells every problem with its place', async () => {
    const { code, stdout, stderr } = await run('validate', '--config', bad);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/bad:2:5: .*10\.0\.0\.1\/8/);
    expect(stderr).toMatch(/bad:3:5: .*10\.0\.0\.0\/33/);
    expect(stderr).toMatch(/bad:4:17: .*60/);
  });

  it('warns of a key that nobody reads, and names the one that was meant', async () => {
    const { code, stderr } = await run('validate', '--config', odd);
    expect(code).toBe(0);
    expect(stderr).toMatch(/warning: .*odd:1:1: .*nonMasqueradeCIDRs/);
  });

  it('prints the effective config for tools', async () => {
    const { code, stdout } = await run('validate', '--config', good, '--output', 'json', '--resync-interval=90');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      valid: true,
      files: [good],
      config: { nonMasqueradeCIDRs: ['10.0.0.0/8'], masqLinkLocal: true, cidrLimit: 64, resyncInterval: '1m30s' },
      problems: [],
    });
  });

  it('prints problems for tools', async () => {
    const { code, stdout } = await run('validate', '--config', bad, '--output=json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      valid: false,
      config: null,
      problems: [{ position: { line: 2 } }, {}, {}],
    });
  });
});

describe('render', () => {
  it('prints transactions under comment lines, the same each time', async () => {
    const first = await run('render', '--config', good, '--backend', 'nft');
    expect(first.code).toBe(0);
    expect(first.stdout.match(/^# Transaction \d.*$/gm)).toHaveLength(2);
    expect(await run('render', '--config', good, '--backend', 'nft')).toEqual(first);
  });

  it('prints one transaction for each family of iptables', async () => {
    const { stdout } = await run(
      'render',
      '--config',
      good,
      '--backend',
      'iptables-legacy',
      '--enable-ipv6',
      '--masq-chain=X',
    );
    expect(stdout.match(/^# Transaction \d.*$/gm)).toEqual([
      expect.stringContaining('iptables-legacy-restore'),
      expect.stringContaining('ip6tables-legacy-restore'),
    ]);
    expect(stdout).toContain('-A X ');
  });

  it('prints nothing of a bad config', async () => {
    const { code, stdout, stderr } = await run('render', '--config', bad);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('bad:2:5');
  });
});

describe('explain', () => {
  it('names the entry that decides', async () => {
    const { stdout } = await run('explain', '--config', good, '--src=10.244.7.2', '--dst=10.1.2.3', '--output=json');
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'keep', entry: '10.0.0.0/8', source: `${good}:2` });
  });

  it('says it to people', async () => {
    const { code, stdout } = await run(
      'explain',
      '--config',
      good,
      '--src=10.244.7.2',
      '--dst=169.254.169.254',
      '--proto=udp',
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^masquerade: 10\.244\.7\.2 -> 169\.254\.169\.254 udp\n/);
  });

  it.each([
    [['--dst=10.1.2.3'], 'source'],
    [['--src=10.1.2.3', '--dst=fd00::1'], 'same family'],
    [['--src=10.1.2.3', '--dst=10.1.2.4', '--proto=xyz'], 'protocol'],
  ])('refuses %j as usage', async (args, message) => {
    await expect(run('explain', '--config', good, ...args)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(message),
    });
  });
});

describe('help and version', () => {
  it('lists every command and flag', async () => {
    const { code, stdout } = await run('--help');
    expect(code).toBe(0);
    for (const word of [
      'run',
      'render',
      'validate',
      'explain',
      'cleanup',
      '--backend',
      '--to-ports',
      '--random-fully',
    ]) {
      expect(stdout).toMatch(new RegExp(`^  ${word} `, 'm'));
    }
  });

  it('prints a version', async () => {
    expect((await run('version')).stdout).toMatch(/^ip-masq-agent \S+\n$/);
  });
});
