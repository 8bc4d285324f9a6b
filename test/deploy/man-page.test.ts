import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/commands.ts';
import { flagTable } from '../../src/cli/flags.ts';
import { configKeys } from '../../src/config/schema.ts';
import { exitCodes } from '../../src/errors.ts';
import { root } from './manifests.ts';

/** The page without its markup. */
const page = readFileSync(`${root}deploy/man/ip-masq-agent.8`, 'utf8')
  .replaceAll('\\-', '-')
  .replaceAll(/^\.[A-Z]+ ?/gm, '');

/** The paths that the operations page lists, flag by flag. */
const servedPaths = readFileSync(`${root}docs/operations.md`, 'utf8')
  .split('\n')
  .filter((line) => /^\| `--(?:metrics|healthz)-bind-address` \|/.test(line))
  .flatMap((line) => line.match(/(?:\/[a-z]+)+/g) ?? []);

describe('the man page', () => {
  it.each(Object.keys(commands))('has the command %s', (command) => {
    expect(page).toMatch(new RegExp(`(?:^|" )${command}\\b`, 'm'));
  });

  it.each(Object.keys(flagTable))('has the flag --%s', (flag) => {
    expect(page).toMatch(new RegExp(`--${flag}(?![\\w-])`));
  });

  it.each(configKeys)('has the config key %s', (key) => {
    expect(page).toMatch(new RegExp(`(?<![\\w-])${key}(?![\\w-])`));
  });

  it.each(servedPaths)('has the path %s', (path) => {
    expect(page.slice(page.indexOf('\nHTTP\n'))).toMatch(new RegExp(`(?:^|" )${path}\\b`, 'm'));
  });

  it.each(Object.values(exitCodes))('has the exit code %d', (code) => {
    expect(page).toMatch(new RegExp(`^${code}$`, 'm'));
  });
});
