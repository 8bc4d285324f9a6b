import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseArguments } from '../../../src/cli/args.ts';
import { diff } from '../../../src/cli/commands/diff.ts';
import { commandOf } from '../../../src/cli/commands.ts';

const fixtures = 'test/fixtures/diff';
const before = `${fixtures}/before.yaml`;
const after = `${fixtures}/after.yaml`;
const directory = mkdtempSync(join(tmpdir(), 'diff-'));
afterAll(() => rmSync(directory, { recursive: true }));

async function run(args: readonly string[], input = ''): Promise<{ code: number; stdout: string; stderr: string }> {
  const output = { stdout: '', stderr: '' };
  const context = {
    ...parseArguments(['diff', ...args]),
    readInput: () => Promise.resolve(Buffer.from(input)),
    print(text: string) {
      output.stdout += text;
    },
    complain(text: string) {
      output.stderr += text;
    },
  };
  const code = await diff(context);
  return { code, ...output };
}

const cause = z.strictObject({
  verdict: z.enum(['keep', 'masquerade']),
  address: z.null(),
  step: z.int(),
  reason: z.string(),
  entry: z.string().nullable(),
  source: z.string(),
});
const report = z.strictObject({
  same: z.boolean(),
  changes: z.array(
    z.strictObject({
      family: z.enum(['ipv4', 'ipv6']),
      sources: z.array(z.string()).min(1),
      destinations: z.array(z.string()).min(1),
      before: cause,
      after: cause,
    }),
  ),
  connections: z.null(),
});

describe('diff', () => {
  it('says it to people, and exits with 4', async () => {
    const { code, stdout, stderr } = await run(['--enable-ipv6', '--config', before, after]);
    expect({ code, stderr }).toEqual({ code: 4, stderr: '' });
    await expect(stdout).toMatchFileSnapshot(`../../fixtures/diff/changes.txt`);
  });

  it('says it to machines', async () => {
    const { code, stdout } = await run([after, '--enable-ipv6', '--config', before, '--output=json']);
    expect(code).toBe(4);
    expect(report.parse(JSON.parse(stdout)).same).toBe(false);
    await expect(stdout).toMatchFileSnapshot(`../../fixtures/diff/changes.json`);
  });

  it('exits with 0 where the same is written in another way', async () => {
    const other = join(directory, 'other.json');
    writeFileSync(
      other,
      '{"NonMasqueradeCIDRs":["fd00::/9","fd80::/9","192.168.0.0/16","172.16.0.0/12","10.0.0.0/8","10.1.0.0/16"],' +
        '"nonMasqueradeSrcCIDRs":["10.244.9.0/24"],"masqLinkLocal":true,"resyncInterval":"5s"}',
    );
    const flags = ['--enable-ipv6', '--config', before];
    expect(await run([...flags, other])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Nothing changes: /),
    });
    const { code, stdout } = await run([...flags, '--output=json', other]);
    expect({ code, report: report.parse(JSON.parse(stdout)) }).toEqual({
      code: 0,
      report: { same: true, changes: [], connections: null },
    });
  });

  it('reads standard input, a whole ConfigMap manifest too', async () => {
    const flags = ['--enable-ipv6', '--config', before, '--output=json'];
    const { code, stdout } = await run(['-', ...flags], readFileSync(after, 'utf8'));
    const ofFile = await run([after, ...flags]);
    expect(code).toBe(4);
    expect(stdout).toBe(ofFile.stdout.replaceAll(after, 'standard input'));
  });

  it.each([[''], ['\n'], [' \r\n\t']])(
    'refuses standard input that is %j, and names what was forgotten',
    async (input) => {
      await expect(run(['--config', before, '-'], input)).rejects.toMatchObject({
        code: 'CONFIG_ABSENT',
        exitCode: 1,
        advice: expect.stringContaining('exec -i'),
      });
    },
  );

  it('refuses a path that is not there, and a directory without a config, the same way', async () => {
    const expected = { code: 'CONFIG_ABSENT', exitCode: 1, advice: expect.stringContaining('exec -i') };
    await expect(run(['--config', before, join(directory, 'absent')])).rejects.toMatchObject(expected);
    await expect(run(['--config', before, mkdtempSync(join(directory, 'empty-'))])).rejects.toMatchObject(expected);
  });

  it('takes one NEW, not none and not two', () => {
    const parse = (...args: string[]) => commandOf(parseArguments(args));
    expect(() => parse('diff', '--config', before)).toThrow(expect.objectContaining({ code: 'USAGE' }));
    expect(() => parse('diff', after, before)).toThrow(/unexpected argument/);
  });

  it('tells what is wrong on either side, and exits with 1', async () => {
    const bad = join(directory, 'bad.yaml');
    writeFileSync(bad, 'nonMasqueradeCIDRs:\n  - 10.0.0.1/8\n');
    for (const args of [
      ['--config', before, bad],
      ['--config', bad, before],
    ]) {
      const { code, stdout, stderr } = await run(['--enable-ipv6', ...args]);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toContain('bad.yaml:2:5: ');
    }
  });

  it('warns where one text stands for a directory of several files', async () => {
    const several = mkdtempSync(join(directory, 'several-'));
    for (const name of ['ip-masq-agent', 'ip-masq-agent-more']) cpSync(before, join(several, name));
    const { stderr } = await run(['--enable-ipv6', '--config', several, after]);
    expect(stderr).toMatch(/^warning: .*after\.yaml stands for all 2 files of --config: .*ip-masq-agent-more\n$/m);
    expect((await run(['--enable-ipv6', '--config', several, several])).stderr).not.toContain('stands for');
  });

  it('compares with the defaults where there is no config, and says so', async () => {
    const { code, stderr } = await run(['--enable-ipv6', '--config', join(directory, 'none'), before]);
    expect(code).toBe(4);
    expect(stderr).toContain('compared with the defaults');
  });
});
