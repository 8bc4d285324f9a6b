import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { commands } from '../../../src/cli/commands.ts';
import { flagTable } from '../../../src/cli/flags.ts';
import { configKeys } from '../../../src/config/schema.ts';

describe.each(['README.md', 'README.zh-CN.md'])('%s', (name) => {
  const text = readFileSync(name, 'utf8');
  /** What stands in code in the first cells of the tables' rows. */
  const described = text
    .split('\n')
    .flatMap((line) => /^\| (.*?) \|/.exec(line)?.[1] ?? [])
    .flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code));
  const flags = described.filter((code) => code.startsWith('--'));
  const keys = described.filter((code) => /^[a-z]+[A-Z]\w*$/.test(code));
  const commandsTold = described.filter((code) => /^[a-z]+( |$)/.test(code)).map((code) => code.split(' ')[0]);

  it('is one to be read in a sitting', () => {
    expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(130);
  });

  it('has every flag of the program, and no other', () => {
    const known = Object.keys(flagTable).filter((flag) => flag !== 'help' && flag !== 'version');
    expect(new Set(flags)).toEqual(new Set(known.map((flag) => `--${flag}`)));
  });

  it('has every key of the config, and no other', () => {
    expect(new Set(keys)).toEqual(new Set(configKeys));
  });

  it('has every command, and no other', () => {
    const known = Object.keys(commands);
    expect(new Set(commandsTold)).toEqual(new Set(known));
  });
});
