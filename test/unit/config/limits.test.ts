import { describe, expect, it } from 'vitest';
import { complaintsOf, effectiveOf, readText } from './read-text.ts';

const size = 1_000_000;

// Bounded, but not in the few seconds that a busy machine gives every test.
describe('a hostile text', { timeout: 60_000 }, () => {
  it.each([
    ['brackets', `a: ${'['.repeat(size)}`, /nested more than 1000 levels deep/],
    ['JSON brackets', `{"a": ${'['.repeat(size)}`, /nested more than 1000 levels deep/],
    ['dashes', '- '.repeat(size), /nested more than 1000 levels deep/],
    ['question marks', '? '.repeat(size), /nested more than 1000 levels deep/],
    [
      'ever deeper blocks',
      Array.from({ length: 1200 }, (_, depth) => `${' '.repeat(depth)}k:\n`).join(''),
      /nested more than/,
    ],
    ['values', `a: [${'1,'.repeat(1_100_000)}]`, /more than 1000000 values/],
    ['JSON values', `{"a": [${'1,'.repeat(1_100_000)}1]}`, /more than 1000000 values/],
    ['an alias bomb', bomb((name) => `[${name.repeat(9)}]`), /aliases expand to too many values/],
    ['a merge bomb', bomb((name) => `{<<: [${name.repeat(9)}]}`), /aliases expand to too many values/],
    ['aliases of aliases of themselves', 'a: &a {b: [*a]}\n', /contains itself/],
    ['digits', `cidrLimit: ${'9'.repeat(size)}\n`, /not a value for cidrLimit/],
    ['digits of a duration', `resyncInterval: ${'9'.repeat(size)}s\n`, /longer than 292 years/],
    ['colons', `nonMasqueradeCIDRs: ["${':'.repeat(size)}/8"]\n`, /not an IPv6 address/],
    ['one long key', `${'k'.repeat(size)}: 1\n`, /a colon that follows no key/],
    ['an open quote', `a: "${'x\n'.repeat(size)}`, /never ends/],
  ])('of %s gets a clear error', (_, text, message) => {
    const complaints = complaintsOf(readText(text));
    expect(complaints[0]).toMatch(message);
    expect(complaints[0]?.length).toBeLessThan(1000);
  });

  it.each([
    ['comments', '# x\n'.repeat(size)],
    ['empty lines', '\n'.repeat(size)],
    ['unknown keys', Array.from({ length: 100_000 }, (_, index) => `key${index}: 1\n`).join('')],
    ['the same key', 'masqLinkLocal: false\n'.repeat(50_000)],
    ['merges', `a: &a {b: 1}\n${'<<: *a\n'.repeat(400)}`],
  ])('of %s means what it says', (_, text) => {
    expect(effectiveOf(readText(text))).toEqual(effectiveOf(readText('')));
    expect(complaintsOf(readText(text)).length).toBeLessThanOrEqual(201);
  });

  it('can set no property of ours', () => {
    const reading = readText('__proto__: {masqLinkLocal: true}\nconstructor: {prototype: {masqLinkLocal: true}}\n');
    expect(effectiveOf(reading)).toEqual(effectiveOf(readText('')));
    expect(complaintsOf(reading)).toEqual([
      'warning: a:1:1: __proto__: unknown key, ignored',
      'warning: a:2:1: constructor: unknown key, ignored',
    ]);
    expect(Object.hasOwn(Object.prototype, 'masqLinkLocal')).toBe(false);
  });

  it('may yet be a very long list', () => {
    const entries = Array.from(
      { length: 100_000 },
      (_, index) => `- 10.${index >> 16}.${(index >> 8) & 255}.${index & 255}/32\n`,
    );
    const reading = readText(`cidrLimit: 100000\nnonMasqueradeCIDRs:\n${entries.join('')}`);
    expect(reading.ok && reading.config.nonMasqueradeCIDRs.length).toBe(100_000);
    expect(reading.ok && reading.config.nonMasqueradeCIDRs[99_999]?.source).toEqual({
      file: 'a',
      line: 100_002,
      column: 3,
    });
  });
});

/** Ten levels, each nine times the one before. */
function bomb(level: (aliases: string) => string): string {
  const lines = ['a0: &a0 {x: 1}\n'];
  for (let depth = 1; depth <= 10; depth += 1) lines.push(`a${depth}: &a${depth} ${level(`*a${depth - 1} ,`)}\n`);
  return lines.join('');
}
