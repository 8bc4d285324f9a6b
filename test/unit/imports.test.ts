import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

/**
 * The layers, from the ground up: a file may import from its own folder and from layers below its own. Folders of one
 * layer do not know each other.
 */
const layers: readonly (readonly string[])[] = [
  ['errors', 'version', 'clock', 'text', 'digest', 'net'],
  ['system', 'config', 'names'],
  ['policy'],
  ['backends'],
  ['connections'],
  ['agent'],
  ['telemetry'],
  ['status'],
  ['cli'],
  ['main'],
];
/** Ruleset text is made by pure functions: these may not reach the boundary to other programs. */
const pure =
  /^(net|policy)\/|^backends\/nft\/(desired|elements|listing|names|plan|render)|^backends\/iptables\/(render|desired|diff|rule-text|names)/;

const files = globSync('src/**/*.ts').map((path) => path.slice('src/'.length));

function importsOf(file: string): string[] {
  const text = readFileSync(join('src', file), 'utf8');
  return [...text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map(([, path = '']) =>
    normalize(join(dirname(file), path)),
  );
}

function roomOf(file: string): string {
  return file.replace(/\.ts$/, '').split('/')[0] ?? '';
}

function levelOf(file: string): number {
  return layers.findIndex((rooms) => rooms.includes(roomOf(file)));
}

describe('imports', () => {
  it('finds the sources', () => {
    expect(files).toContain('agent.ts');
  });

  it.each(files)('%s has a place in the layers', (file) => {
    expect(levelOf(file)).toBeGreaterThanOrEqual(0);
  });

  it.each(files)('%s imports from below only', (file) => {
    const upward = importsOf(file).filter((target) => {
      return roomOf(target) !== roomOf(file) && levelOf(target) >= levelOf(file);
    });
    expect(upward).toEqual([]);
  });

  it.each(files.filter((file) => pure.test(file)))('%s is pure', (file) => {
    expect(importsOf(file).filter((target) => target.startsWith('system/'))).toEqual([]);
  });

  it('lets one module start other programs', () => {
    const starters = files.filter((file) =>
      /from '(execa|node:child_process)'/.test(readFileSync(join('src', file), 'utf8')),
    );
    expect(starters).toEqual(['system/run.ts']);
  });
});
