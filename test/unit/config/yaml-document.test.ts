import { describe, expect, it } from 'vitest';
import type { ConfigNode } from '../../../src/config/node.ts';
import { TextFault } from '../../../src/config/text-fault.ts';
import { parseYaml } from '../../../src/config/yaml/document.ts';

/** A node as a plain value; each scalar with its offset. */
function plain(node: ConfigNode): unknown {
  switch (node.kind) {
    case 'list':
      return node.items.map(plain);
    case 'map':
      return Object.fromEntries(node.entries.map(({ key, keyOffset, value }) => [`${key}@${keyOffset}`, plain(value)]));
    case 'null':
      return `null@${node.offset}`;
    case 'number':
      return `${node.literal}@${node.offset}`;
    default:
      return `${JSON.stringify(node.value)}@${node.offset}`;
  }
}

describe('parseYaml', () => {
  it.each<[string, unknown]>([
    ['a: 1', { 'a@0': '1@3' }],
    ['a:\n- x\n-\n- "y"\n', { 'a@0': ['"x"@5', 'null@7', '"y"@11'] }],
    ['a:\n', { 'a@0': 'null@1' }],
    ['? a\n: [b, {c: d}]\n', { 'a@2': ['"b"@7', { 'c@11': '"d"@14' }] }],
    ['a: &x !!str 5\nb: *x\n', { 'a@0': '"5"@12', 'b@14': '"5"@12' }],
    ['b: 1\na: 2\n', { 'a@5': '2@8', 'b@0': '1@3' }],
    ['a: |\n  x\n  y\n', { 'a@0': '"x\\ny\\n"@3' }],
    ['a:\r\n  b: yes\r\n', { 'a@0': { 'b@6': 'true@9' } }],
  ])('reads %j with the place of each value', (text, expected) => {
    expect(plain(parseYaml(text).root)).toEqual(expected);
  });

  it('says where the lines of a literal block stand', () => {
    const { root } = parseYaml('a: | # comment\n\n   x\n    y\n');
    expect(root.kind === 'map' && root.entries[0]?.value).toMatchObject({ literal: { offset: 15, indent: 3 } });
  });

  it('keeps what a later key overwrites apart', () => {
    const { root } = parseYaml('a: 1\nb: 2\na: 3\n');
    expect(root.kind === 'map' && root.overwritten.map(({ keyOffset }) => keyOffset)).toEqual([0]);
  });

  it.each([
    ['a: 1\n---\nb: 2\n', 5],
    ['a: 1\n...\nb: 2\n', 5],
    ['a: 1\n---\n[unreadable\n', 5],
    ['  a: 1\nb: 2\n', 7],
  ])('warns of what Go ignores in %j', (text, offset) => {
    expect(parseYaml(text).warnings.map((warning) => warning.offset)).toEqual([offset]);
  });

  it.each(['a: 1\n---\n', 'a: 1\n...\n', 'a: 1\n# end\n', '---\na: 1\n'])('has nothing to warn of in %j', (text) => {
    expect(parseYaml(text).warnings).toEqual([]);
  });

  it.each([
    ['a: b: c', 4],
    ['a: "b', 3],
    ['a: [b\nc: d', 7],
    ['a: [1]\n b\n', 8],
    ['- a\nb', 4],
    ['a: *b', 3],
    ['a: "\\q"', 4],
    ['a:\n\tb', 3],
  ])('tells where %j goes wrong', (text, offset) => {
    let fault: unknown;
    try {
      parseYaml(text);
    } catch (cause) {
      fault = cause;
    }
    expect(fault).toBeInstanceOf(TextFault);
    expect(fault).toMatchObject({ offset });
  });
});
