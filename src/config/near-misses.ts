import { parseCidr } from '../net/cidr.ts';

/** What is wrong with a text, and what was probably meant. */
export interface Fault {
  readonly message: string;
  readonly expected: string;
}

const oddities: readonly (readonly [RegExp, Fault])[] = [
  [/\{\{/, { message: 'a template that nothing has filled in', expected: 'the value itself' }],
  [/\$\{|\$\(/, { message: 'a variable that nothing has filled in', expected: 'the value itself' }],
  [
    /[\u2018-\u201f\u00ab\u00bb\u2039\u203a\u2032\u2033\uff02\uff07]/,
    { message: 'typographic quotes, which YAML takes for letters', expected: 'straight quotes or none' },
  ],
  [
    /[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]/,
    { message: 'a no-break space or the like, which YAML takes for a letter', expected: 'plain spaces' },
  ],
  [/[\u200b\u2060\ufeff\u00ad]/, { message: 'a character that can not be seen', expected: 'the text without it' }],
];

/** What stands in a text that no config has: a template not filled in, typographic quotes, spaces that are none. */
export function oddText(text: string): Fault | undefined {
  return oddities.find(([pattern]) => pattern.test(text))?.[1];
}

/** `10.0.0.0/8,172.16.0.0/12`, `{10.0.0.0/8,172.16.0.0/12}`, `-10.0.0.0/8`, or dashes without a space over several lines. */
export function severalCidrs(text: string): Fault | undefined {
  const list = /^\s*([{[]?)\s*(.*?)\s*[}\]]?\s*$/s.exec(text);
  const parts = (list?.[2] ?? '').split(/[\s,;]+/).filter((part) => part !== '-');
  const cidrs = parts.map((part) => part.replace(/^-/, ''));
  if (cidrs.some((cidr) => parseCidr(cidr) === undefined)) return undefined;
  if (parts.some((part) => part.startsWith('-'))) {
    return { message: 'a dash begins an entry only with a space behind it', expected: `- ${cidrs.join(', - ')}` };
  }
  const expected = `[${cidrs.join(', ')}], or a dash and a line for each`;
  if (list?.[1] === '{') return { message: 'a list in braces', expected };
  if (list?.[1] === '[') return { message: 'a list in quotes', expected };
  return cidrs.length > 1 ? { message: `${cidrs.length} networks in one text`, expected } : undefined;
}
