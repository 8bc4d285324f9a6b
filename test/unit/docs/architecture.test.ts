import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

const page = readFileSync('docs/ARCHITECTURE.md', 'utf8');
const sources = globSync('src/**/*.ts');

/** Where the parts of the loop are put together: what it hands in is not imported. */
const wiring = ['src/cli/wire/policy.ts', 'src/cli/wire/backend.ts'];

function section(heading: string): string {
  const [, rest = ''] = page.split(`\n${heading}\n`);
  const level = heading.split(' ', 1)[0] ?? '';
  return rest.split(new RegExp(`^#{1,${level.length}} `, 'm'), 1)[0] ?? '';
}

/** The files that lines of a section begin with, as in "- `src/net/cidr.ts`: …". */
function filesListed(text: string, mark: RegExp): string[] {
  return text.split('\n').flatMap((line) => (mark.test(line) ? (/`(src\/[^`]+)`/.exec(line)?.[1] ?? []) : []));
}

function importsOf(file: string): string[] {
  const matches = readFileSync(file, 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']+)'/g);
  return [...matches].map(([, path = '']) => normalize(join(dirname(file), path)));
}

/** The sources that say a word, whichever way. */
function sourcesWith(word: string): string[] {
  return sources.filter((file) => readFileSync(file, 'utf8').includes(word));
}

describe('docs/ARCHITECTURE.md', () => {
  it('names files and folders that are there', () => {
    const named = [...page.matchAll(/`((?:src|test|scripts|docs|deploy|bench)\/[\w./-]*[\w-])`/g)].map(
      ([, path = '']) => path,
    );
    expect(named.length).toBeGreaterThan(40);
    expect(named.filter((path) => !existsSync(path))).toEqual([]);
  });

  it('leads one CIDR to the kernel in at most 12 files, each called by one before it', () => {
    const path = filesListed(section('## The main path'), /^\d+\. /);
    expect(path.length).toBeGreaterThan(8);
    expect(path.length).toBeLessThanOrEqual(12);
    const strays = path.filter((file, index) => {
      const callers = [...path.slice(0, index), ...wiring];
      return index > 0 && !callers.some((caller) => importsOf(caller).includes(file));
    });
    expect(strays).toEqual([]);
  });

  it.each([
    ['### A config key', 'masqLinkLocalIPv6'],
    ['### A step of the decision', 'keepSources'],
    ['### A backend', "'iptables-legacy'"],
  ])('%s: lists every file that its example stands in', (heading, example) => {
    expect(new Set(filesListed(section(heading), /^- /))).toEqual(new Set(sourcesWith(example)));
  });

  it('is right that a step stands in one table: nothing else in the source names one', () => {
    const table = readFileSync('src/policy/decide.ts', 'utf8');
    const ids = [...table.matchAll(/^ {4}id: '([\w-]+)'/gm)].map(([, id = '']) => id);
    expect(ids.length).toBeGreaterThan(8);
    // A set of nft may be called as the step that looks into it.
    const allowed = ['src/policy/decide.ts', 'src/backends/nft/names.ts'];
    expect(ids.flatMap((id) => sourcesWith(`'${id}'`)).filter((file) => !allowed.includes(file))).toEqual([]);
  });
});
