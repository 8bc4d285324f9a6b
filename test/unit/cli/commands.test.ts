import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseArguments } from '../../../src/cli/args.ts';
import { commandOf } from '../../../src/cli/commands.ts';

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
  return runWithInput('', ...args);
}

async function runWithInput(input: string, ...args: string[]) {
  const line = parseArguments(args);
  const output = { stdout: '', stderr: '' };
  const command = await commandOf(line).load();
  const code = await command({
    ...line,
    print(text) {
      output.stdout += text;
    },
    complain(text) {
      output.stderr += text;
    },
    readInput: () => Promise.resolve(Buffer.from(input)),
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

  it('warns of entries that change no verdict, and of nothing more than the lists deserve', async () => {
    const idle = configFile('idle', 'nonMasqueradeCIDRs:\n  - 10.1.0.0/16\n  - 10.0.0.0/8\n');
    const { code, stderr } = await run('validate', '--config', idle);
    expect(code).toBe(0);
    expect(stderr).toBe(`warning: ${idle}:2:5: 10.1.0.0/16: changes no verdict: 10.0.0.0/8 (${idle}:3) covers it\n`);
    const { stdout } = await run('validate', '--config', idle, '--output=json');
    expect(JSON.parse(stdout)).toMatchObject({
      valid: true,
      warnings: [{ position: { line: 2 }, found: '10.1.0.0/16' }],
    });
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

  it('takes FILE for --config', async () => {
    expect(await run('validate', good)).toEqual({ code: 0, stdout: `valid: ${good}\n`, stderr: '' });
    expect((await run('validate', bad)).code).toBe(1);
    expect((await run('validate', '--config', good, bad)).code).toBe(1);
  });

  it.each([[['validate', '-']], [['validate', '--config', '-']], [['validate', '--config=-']]])(
    'reads standard input for %j',
    async (args) => {
      expect(await runWithInput('masqLinkLocal: yes\n', ...args)).toEqual({
        code: 0,
        stdout: 'valid: standard input\n',
        stderr: '',
      });
      const { code, stderr } = await runWithInput('\nmasqLinkLocal: maybe\n', ...args);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^error: standard input:2:16: /);
    },
  );

  it.each([[''], ['\n'], [' \t\r\n']])('names what was forgotten where standard input is %j', async (input) => {
    await expect(runWithInput(input, 'validate', '-')).rejects.toMatchObject({
      exitCode: 1,
      message: 'standard input is empty',
      advice: expect.stringContaining('exec -i'),
    });
  });

  it.each([
    ['a file that is not there', join(directory, 'absent')],
    ['a directory without a config', mkdtempSync(join(directory, 'empty-'))],
  ])('refuses %s, however it is named', async (_, path) => {
    const expected = { exitCode: 1, message: `there is no config at ${path}` };
    await expect(run('validate', path)).rejects.toMatchObject(expected);
    await expect(run('validate', '--config', path)).rejects.toMatchObject(expected);
    const { code, stdout } = await run('validate', path, '--output=json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ valid: false, config: null, problems: [{ message: expected.message }] });
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
  it('reads standard input', async () => {
    const { stdout } = await runWithInput('nonMasqueradeCIDRs: [10.9.0.0/16]\n', 'render', '--config', '-');
    expect(stdout).toContain('10.9.0.0/16');
  });

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

describe('run', () => {
  it('refuses a config that can never change', async () => {
    await expect(run('--config', '-')).rejects.toMatchObject({ code: 'USAGE' });
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
