import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isMap } from 'yaml';
import type { Syntax } from '../../../src/config/decode.ts';
import { ConfigDocument, type Value } from '../../../src/config/document.ts';
import { parseText } from '../../../src/config/parse.ts';
import { ParseBudget } from '../../../src/config/parse-budget.ts';

function parse(text: string, syntax: Syntax = 'yaml') {
  const { document, hasAliases, faults, warnings } = parseText(text, syntax, new ParseBudget());
  return { document: document && new ConfigDocument(document, syntax, hasAliases), faults, warnings };
}

/** A value as a plain one; each scalar with its offset where that is asked for. */
function plain(document: ConfigDocument, value: Value, hasPlaces: boolean): unknown {
  const place = hasPlaces ? `@${value.offset}` : '';
  if (isMap(value.node)) {
    const { entries } = document.entries(value.node);
    return Object.fromEntries(
      entries.map((entry) => [
        entry.key + (hasPlaces ? `@${entry.keyOffset}` : ''),
        plain(document, entry.value, hasPlaces),
      ]),
    );
  }
  const scalar = document.plain(value);
  if (Array.isArray(scalar)) return [...document.items(value)].map((item) => plain(document, item, hasPlaces));
  return hasPlaces ? `${document.quote(value)}${place}` : typeof scalar === 'bigint' ? Number(scalar) : scalar;
}

function placesIn(text: string, syntax: Syntax = 'yaml'): unknown {
  const { document } = parse(text, syntax);
  return document && plain(document, document.root, true);
}

describe('a document', () => {
  it.each<[string, unknown]>([
    ['a: 1', { 'a@0': '1@3' }],
    ['a:\n- x\n-\n- "y"\n', { 'a@0': ['"x"@5', 'nothing@8', '"y"@11'] }],
    ['a:\n', { 'a@0': 'nothing@2' }],
    ['? a\n: [b, {c: d}]\n', { 'a@2': ['"b"@7', { 'c@11': '"d"@14' }] }],
    ['a: &x !!str 5\nb: *x\n', { 'a@0': '"5"@12', 'b@14': '"5"@12' }],
    ['b: 1\na: 2\n', { 'a@5': '2@8', 'b@0': '1@3' }],
    ['a: |\n  x\n  y\n', { 'a@0': '"x\\ny\\n"@3' }],
    ['a:\r\n  b: yes\r\n', { 'a@0': { 'b@6': 'yes@9' } }],
    ['{a, b: }', { 'a@1': 'nothing@2', 'b@4': 'nothing@7' }],
  ])('has %j with the place of each value', (text, expected) => {
    expect(placesIn(text)).toEqual(expected);
  });

  it('keeps the entries of a JSON text in the order written, and those of YAML by their keys', () => {
    expect(JSON.stringify(placesIn('{"b": 1, "a": 2}', 'json'))).toBe('{"b@1":"1@6","a@9":"2@14"}');
    expect(JSON.stringify(placesIn('{"b": 1, "a": 2}'))).toBe('{"a@9":"2@14","b@1":"1@6"}');
  });

  it('keeps what a later key overwrites apart', () => {
    const { document } = parse('a: 1\nb: 2\na: 3\n');
    const root = document?.root.node;
    const entries = isMap(root) ? document?.entries(root) : undefined;
    expect(entries?.overwritten.map(({ keyOffset }) => keyOffset)).toEqual([0]);
  });

  it('takes numbers as Go does: through JSON from YAML, as written from JSON', () => {
    for (const [text, syntax, expected] of [
      ['x: 64.0', 'yaml', 64n],
      ['x: 0x40', 'yaml', 64n],
      ['x: 0100', 'yaml', 64n],
      ['x: 1_0', 'yaml', 10n],
      ['x: 1:30', 'yaml', '1:30'],
      ['x: 2001-01-01', 'yaml', '2001-01-01'],
      ['{"x": 64.0}', 'json', 64],
      ['{"x": 64}', 'json', 64n],
    ] as const) {
      const { document } = parse(text, syntax);
      const root = document?.root.node;
      const value = isMap(root) ? document?.entries(root).entries[0]?.value : undefined;
      expect({ text, value: value && document?.plain(value) }).toEqual({ text, value: expected });
    }
  });

  it('merges what << names, later over earlier, in the order of the text', () => {
    expect(placesIn('x: &x {a: 1, b: 2}\nb: 3\n<<: *x\nc: 4\n')).toMatchObject({ 'a@7': '1@10', 'b@13': '2@16' });
  });

  it.each([
    ['a: 1\n---\nb: 2\n', 5],
    ['a: 1\n...\nb: 2\n', 5],
    ['a: 1\n---\n[unreadable\n', 5],
  ])('ends with a warning where %j has another one', (text, offset) => {
    const { faults, warnings } = parse(text);
    expect(faults).toEqual([]);
    expect(warnings.map((warning) => warning.offset)).toEqual([offset]);
  });

  it.each([
    'a: 1\n---\n',
    'a: 1\n...\n',
    'a: 1\n---\n# end\n...\n',
    'a: 1\n# end\n',
    '---\na: 1\n',
    '%YAML 1.1\n---\na: 1\n',
  ])('has nothing to warn of in %j', (text) => {
    expect(parse(text)).toMatchObject({ faults: [], warnings: [] });
  });

  it.each([
    ['a: b: c', 3],
    ['a: "b', 3],
    ['a: [b\nc: d', 6],
    ['a: [1]]\n', 6],
    ['a: }\n', 3],
    ['- a\nb', 4],
    ['a: "\\q"', 4],
    ['a:\n\tb', 3],
    ['%YAML 1.2\n---\na: 1\n', 0],
  ])('tells where %j goes wrong', (text, offset) => {
    expect(parse(text).faults.map((fault) => fault.offset)).toEqual([offset]);
  });

  it.each([
    ['a: *b', /nothing above is named &b/],
    ['x: &x [*x]', /contains itself/],
    ['? [a]\n: 1\n', /a list or a mapping as a key/],
    [': 1\n', /an empty key/],
    ['! <<: {a: 1}\n', /a merge key with a tag/],
  ])('tells of %j, which Go refuses too', (text, message) => {
    const { document } = parse(text);
    const root = document?.root.node;
    if (isMap(root)) document?.entries(root);
    expect(document?.faults[0]?.message).toMatch(message);
  });

  it.each([
    ['{"a": }', 6],
    ['{"a": [1,]}', 8],
    ['{"a": 1} x', 9],
    ['{"a": tru}', 9],
    ['{"a": "\\q"}', 8],
    ['{"a": 01}', 7],
    ['{"a": 1', 7],
    [`{${'"k": 1, '.repeat(5000)}a: 1}`, 40_001],
  ])('tells where the JSON %.20j goes wrong', (text, offset) => {
    expect(parse(text, 'json').faults.map((fault) => fault.offset)).toEqual([offset]);
  });

  it('has the values that JSON.parse has', () => {
    const key = fc.string({ unit: 'grapheme', minLength: 1 }).filter((name) => name !== '__proto__');
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        fc.constantFrom(null, true, false),
        fc.integer(),
        fc.string({ unit: 'grapheme' }),
        fc.string({ unit: 'binary' }).map((text) => text.toWellFormed()),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(key, tie('value'), { maxKeys: 3, noNullPrototype: true }),
      ),
    }));
    const indent = fc.constantFrom(undefined, 1, 4, '\t');
    fc.assert(
      fc.property(fc.dictionary(key, value, { noNullPrototype: true }), indent, (written, space) => {
        const { document, faults } = parse(JSON.stringify(written, undefined, space), 'json');
        expect(faults).toEqual([]);
        expect(document && plain(document, document.root, false)).toEqual(written);
      }),
      { numRuns: 2000 },
    );
  });
});
