import { globSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';

const files = [
  'src/**/*.ts',
  'node_modules/{chokidar,readdirp,which-command}/*.js',
  'node_modules/execa/{index.js,lib/**/*.js}',
].flatMap((pattern) => globSync(pattern));

/** The functions of a module of Node that the bundle imports by name, or uses of what it imports whole. */
function usedOf(module: string): string[] {
  const used = files.flatMap((file) => {
    const text = readFileSync(file, 'utf8');
    const named = [...text.matchAll(new RegExp(`^import \\{([^}]*)\\} from '(?:node:)?${module}'`, 'gm'))];
    const whole = [...text.matchAll(new RegExp(`^import (?:\\* as )?(\\w+) from '(?:node:)?${module}'`, 'gm'))];
    return [
      ...named.flatMap(([, names = '']) => names.split(',').map((name) => name.trim().split(' ')[0] ?? '')),
      ...whole.flatMap(([, name = '']) =>
        [...text.matchAll(new RegExp(`\\b${name}\\.(\\w+)`, 'g'))].map(([, member = '']) => member),
      ),
    ];
  });
  return [...new Set(used)].filter((name) => name !== '');
}

describe('what stands in for modules of Node in the bundle', () => {
  const require = createRequire(import.meta.url);

  it.each([
    ['fs/promises', 'fs-promises.cjs'],
    ['v8', 'v8-on-demand.cjs'],
  ])('has all that is used of node:%s', (module, file) => {
    const used = usedOf(module);
    expect(used.length).toBeGreaterThan(0);
    expect(Object.keys(require(`../../scripts/bundle/${file}`))).toEqual(expect.arrayContaining(used));
  });
});
