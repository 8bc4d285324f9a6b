import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { parseArguments } from '../../../src/cli/args.ts';
import { commandOf } from '../../../src/cli/commands.ts';

const directory = mkdtempSync(join(tmpdir(), 'names-'));
afterAll(() => rmSync(directory, { recursive: true }));
const config = join(directory, 'config');
writeFileSync(config, 'nonMasqueradeCIDRs: [10.0.0.0/8, api.example.com]\n');

async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const line = parseArguments([...args, '--config', config]);
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
    readInput: () => Promise.resolve(Buffer.from('')),
  });
  return { code, ...output };
}

it('validate accepts names, shows them in the effective config, and refuses them where they are off', async () => {
  const { code, stdout } = await run('validate', '--output=json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    config: { nonMasqueradeCIDRs: ['10.0.0.0/8', 'api.example.com'] },
    warnings: [{ found: 'api.example.com' }],
  });
  expect(await run('validate', '--allow-names=false')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('--allow-names is false'),
  });
});

it('render makes no rule of names, and says so', async () => {
  const { code, stdout, stderr } = await run('render', '--backend=iptables-nft');
  expect(code).toBe(0);
  expect(stdout).toContain('10.0.0.0/8');
  expect(stdout).not.toContain('example');
  expect(stderr).toContain('no rule is made of them: api.example.com');
});

it('explain says which names are not known where no agent runs', async () => {
  const { code, stdout } = await run('explain', '--src=10.244.7.2', '--dst=203.0.113.8');
  expect(code).toBe(0);
  expect(stdout).toMatch(/note +Not known here: .*: api\.example\.com\.$/m);
});
