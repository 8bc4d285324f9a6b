import { describe, expect, it } from 'vitest';
import { complaintsOf, effectiveOf, readText } from './read-text.ts';

const size = 1_000_000;

// Bounded, but not in the few seconds that a busy machine gives every test.
describe('a hostile text', { timeout: 60_000 }, () => {
  it.each([
    ['brackets', `a: ${'['.repeat(size)}`, /nested more than 200 levels deep/],
    ['JSON brackets', `{"a": ${'['.repeat(size)}`, /nested more than 200 levels deep/],
    ['a few hundred brackets', `a: ${'['.repeat(300)}${']'.repeat(300)}`, /nested more than 200 levels deep/],
    ['a few hundred JSON brackets', `{"a": ${'['.repeat(300)}${']'.repeat(300)}}`, /nested more than 200 levels deep/],
    ['a few hundred dashes', '- '.repeat(300), /nested more than 200 levels deep/],
    ['a few hundred question marks', '? '.repeat(300), /nested more than 200 levels deep/],
    [
      'ever deeper blocks',
      Array.from({ length: 1200 }, (_, depth) => `${' '.repeat(depth)}k:\n`).join(''),
      /nested more than/,
    ],
    ['values', `a: [${'1,'.repeat(1_100_000)}]`, /too many values/],
    ['JSON values', `{"a": [${'1,'.repeat(1_100_000)}1]}`, /too many values/],
    ['anchors', `a: ${'&a '.repeat(1000)}b`, /more than 4 anchors or tags/],
    ['tags', `a: ${'!\n '.repeat(1000)}b`, /more than 4 anchors or tags/],
    ['lines of a text', `a: |\n${'  x\n'.repeat(600_000)}`, /too many values/],
    ['a merge bomb', bomb((name) => `<<: [${name.repeat(9)}]`), /aliases expand to too many values/],
    ['a chain of merges', chainOfMerges(5000), /only other mappings can be merged/],
    ['a mapping that merges itself', '<<: &a {<<: *a}\n', /only other mappings can be merged/],
    ['aliases of aliases of themselves', 'a: &a {b: [*a]}\n', /contains itself/],
    ['digits', `cidrLimit: ${'9'.repeat(size)}\n`, /a number of more than 1000 digits/],
    ['hexadecimal digits', `x: 0x${'f'.repeat(size)}\n`, /a number of more than 1000 digits/],
    ['digits of a duration', `resyncInterval: ${'9'.repeat(size)}s\n`, /longer than 292 years/],
    ['colons', `nonMasqueradeCIDRs: ["${':'.repeat(size)}/8"]\n`, /not an IPv6 address/],
    ['an open quote', `a: "${'x\n'.repeat(100_000)}`, /never ends/],
  ])('of %s gets a clear error', (_, text, message) => {
    const complaints = complaintsOf(readText(text));
    expect(complaints[0]).toMatch(message);
    expect(complaints[0]).toMatch(/^error: /);
    expect(complaints[0]?.length).toBeLessThan(1000);
  });

  it.each([
    ['comments', '# x\n'.repeat(100_000)],
    ['empty lines', '\n'.repeat(900_000)],
    ['unknown keys', Array.from({ length: 70_000 }, (_, index) => `key${index}: 1\n`).join('')],
    ['the same key', 'masqLinkLocal: false\n'.repeat(50_000)],
    ['the same JSON key', `{${'"masqLinkLocal": false,'.repeat(50_000)}"x": 1}`],
    ['merges', `a: &a {b: 1}\n${'<<: *a\n'.repeat(400)}`],
    ['aliases that nothing looks into', bomb((name) => `x: [${name.repeat(9)}]`)],
    ['one long key', `${'k'.repeat(size)}: 1\n`],
  ])('of %s means what it says', (_, text) => {
    expect(effectiveOf(readText(text))).toEqual(effectiveOf(readText('')));
    expect(complaintsOf(readText(text)).length).toBeLessThanOrEqual(202);
  });

  it('can set no property of ours', () => {
    const reading = readText('__proto__: {masqLinkLocal: true}\nconstructor: {prototype: {masqLinkLocal: true}}\n');
    expect(effectiveOf(reading)).toEqual(effectiveOf(readText('')));
    expect(complaintsOf(reading).slice(1)).toEqual([
      'warning: a:1:1: __proto__: unknown key, ignored',
      'warning: a:2:1: constructor: unknown key, ignored',
    ]);
    expect(Object.hasOwn(Object.prototype, 'masqLinkLocal')).toBe(false);
  });

  it('may not be cut into the texts of a manifest, since one budget bounds them all', () => {
    const inner = `    x: [${'1,'.repeat(9_000)}]\n`;
    const keys = Array.from({ length: 40 }, (_, index) => `  config${index}: |\n${inner}`);
    expect(complaintsOf(readText(`kind: ConfigMap\ndata:\n${keys.join('')}`))[0]).toMatch(/too many values/);
  });

  it('may yet be a very long list', () => {
    const entries = Array.from(
      { length: 100_000 },
      (_, index) => `  - "10.${index >> 16}.${(index >> 8) & 255}.${index & 255}/32" # ${index}\n`,
    );
    const reading = readText(`cidrLimit: 100000\nnonMasqueradeCIDRs:\n${entries.join('')}`);
    expect(complaintsOf(reading)).toEqual([]);
    expect(reading.ok && reading.config.nonMasqueradeCIDRs.length).toBe(100_000);
    expect(reading.ok && reading.config.nonMasqueradeCIDRs[99_999]?.source).toEqual({
      file: 'a',
      line: 100_002,
      column: 5,
    });
  });
});

/** Ten levels, each nine times the one before, merged into the file itself at last. */
function bomb(level: (aliases: string) => string): string {
  const lines = ['a0: &a0 {x: 1}\n'];
  for (let depth = 1; depth <= 10; depth += 1) lines.push(`a${depth}: &a${depth} {${level(`*a${depth - 1} ,`)}}\n`);
  return `${lines.join('')}<<: *a10\n`;
}

/** Each mapping merges the one above it. */
function chainOfMerges(length: number): string {
  const lines = Array.from({ length }, (_, index) => `a${index + 1}: &a${index + 1} {<<: *a${index}}\n`);
  return `a0: &a0 {x: 1}\n${lines.join('')}<<: *a${length}\n`;
}
