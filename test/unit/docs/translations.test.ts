import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { anchorsOf, outlineOf } from './outline.ts';

const translated = ['operations', 'migration'];

describe.each(translated)('docs/%s.zh-CN.md', (name) => {
  const original = outlineOf(readFileSync(`docs/${name}.md`, 'utf8'));
  const translation = outlineOf(readFileSync(`docs/${name}.zh-CN.md`, 'utf8'));

  it('has the sections of the original, and the same headings where these are names', () => {
    expect(translation.map(({ level }) => level)).toEqual(original.map(({ level }) => level));
    const isAlert = (heading: string): boolean => heading.startsWith('IpMasqAgent');
    for (const [index, { heading }] of original.entries()) {
      if (isAlert(heading)) expect(translation[index]?.heading).toBe(heading);
    }
  });

  it.each(original.map(({ heading }, index) => ({ heading, index })))(
    'says under "$heading" what the original says',
    ({ index }) => {
      const { heading: _, numbers = [], ...section } = original[index] ?? {};
      expect(translation[index]).toMatchObject(section);
      // What the original says in a word, as in "three repairs", may be a number here.
      expect(translation[index]?.numbers).toEqual(expect.arrayContaining([...numbers]));
    },
  );
});

describe('links between pages', () => {
  const pages = ['README', 'README.zh-CN', 'CONTRIBUTING', 'CHANGELOG'].map((name) => `${name}.md`);
  const docs = [
    'ARCHITECTURE',
    'RELEASING',
    'SECURITY',
    'scale',
    ...translated,
    ...translated.map((n) => `${n}.zh-CN`),
  ];

  it.each([...pages, ...docs.map((name) => `docs/${name}.md`)])(
    'lead from %s to pages and headings that exist',
    (page) => {
      const text = readFileSync(page, 'utf8');
      const targets = [...text.matchAll(/(?:\]\(|src="|srcset=")([^)"\s]+)[)"]/g)].map(([, target = '']) => target);
      const broken = targets.filter((target) => {
        if (/^[a-z]+:/.test(target)) return false;
        const { path = '', anchor } = /^(?<path>[^#]*)(?:#(?<anchor>.*))?$/.exec(target)?.groups ?? {};
        const file = path === '' ? page : join(dirname(page), decodeURIComponent(path));
        if (!existsSync(file)) return true;
        return anchor !== undefined && !anchorsOf(readFileSync(file, 'utf8')).has(decodeURIComponent(anchor));
      });
      expect(broken).toEqual([]);
    },
  );
});
