import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { configKeys } from '../../../src/config/schema.ts';
import { complaintsOf, effectiveOf, readText } from './read-text.ts';

const word = fc.constantFrom(
  'true',
  'false',
  'yes',
  '~',
  '64',
  '0x40',
  '1m0s',
  '10.0.0.0/8',
  'fd00::/8',
  '10.0.0.1/8',
  '"x"',
  "'",
  '*a',
  '&a ',
  '!!str ',
  '<<',
);
const indicator = fc.constantFrom(
  ': ',
  ':',
  '- ',
  '-',
  '? ',
  ', ',
  '[',
  ']',
  '{',
  '}',
  '|\n',
  '>-\n',
  '#',
  ' #',
  '\n',
  '\n  ',
  '\n---\n',
  '\t',
  '\r\n',
  '"',
  '\\',
  '%',
  '@',
  '\u0085',
  '\u2028',
  '\ufeff',
  '\0',
  '\u{1f600}',
  '\ud800',
);
const soup = fc
  .array(fc.oneof(word, indicator, fc.constantFrom(...configKeys), fc.string({ maxLength: 3 })), { maxLength: 40 })
  .map((pieces) => pieces.join(''));
const json = fc.json().map((text) => `{"masqLinkLocal": true, "x": ${text}}`);

const options = { enableIPv6: true };

describe('a generated text', () => {
  it('never makes the reader fail, and what is wrong with it has a place', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          soup,
          json,
          soup.map((text) => `{${text}}`),
          fc.uint8Array({ maxLength: 80 }),
        ),
        (text) => {
          const reading = readText(text, options);
          for (const complaint of complaintsOf(reading))
            expect(complaint).toMatch(/^(error|warning): a:[1-9][0-9]*:[1-9][0-9]*: /);
          expect(reading.ok || reading.problems.length > 0).toBe(true);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('that is accepted gives a config that reads back as itself, from JSON and from YAML', () => {
    const cidrs = fc.array(
      fc.oneof(
        fc
          .tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 8, max: 32 }))
          .map(([byte, prefix]) => `${byte}.0.0.0/${prefix}`),
        fc
          .tuple(fc.integer({ min: 1, max: 0xfffe }), fc.integer({ min: 16, max: 128 }))
          .map(([group, prefix]) => `${group.toString(16)}::/${prefix}`),
      ),
      { maxLength: 5 },
    );
    const config = fc.record(
      {
        nonMasqueradeCIDRs: cidrs,
        nonMasqueradeSrcCIDRs: cidrs,
        forceMasqueradeCIDRs: cidrs,
        masqueradeSrcCIDRs: cidrs,
        masqLinkLocal: fc.boolean(),
        masqLinkLocalIPv6: fc.boolean(),
        masqOutBound: fc.boolean(),
        masqOutBoundIPv6: fc.boolean(),
        cidrLimit: fc.integer({ min: 5, max: 2 ** 31 }),
        resyncInterval: fc.constantFrom('1s', '90s', '1h30m', '1.5h', '2562047h47m16.854775807s'),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(config, (written) => {
        const fromJson = effectiveOf(readText(JSON.stringify(written), options));
        expect(fromJson).not.toBeNull();
        expect(fromJson).toMatchObject({ ...written, resyncInterval: expect.any(String) });
        // An independent writer: the yaml package, in its form for YAML 1.1, with the keys of the TKE console.
        const capitalised = Object.fromEntries(
          Object.entries(written).map(([key, value]) => [key.charAt(0).toUpperCase() + key.slice(1), value]),
        );
        for (const collectionStyle of ['block', 'flow', 'any'] as const) {
          // The writer has nothing for an empty mapping but {}, which is JSON.
          const text = `# config\n${stringify(capitalised, { version: '1.1', collectionStyle })}`;
          expect(effectiveOf(readText(text, options))).toEqual(fromJson);
        }
        expect(effectiveOf(readText(JSON.stringify(fromJson), options))).toEqual(fromJson);
      }),
    );
  });

  it('loses nothing of a text in any style of scalar', () => {
    const style = fc.constantFrom('PLAIN', 'QUOTE_SINGLE', 'QUOTE_DOUBLE', 'BLOCK_LITERAL', 'BLOCK_FOLDED');
    // No tabs, and no spaces around it: where they begin or end a block of text, YAML 1.1 and 1.2 differ.
    const characters = fc.constantFrom(...'a \n:#-\'"\\,[{&*!|>%@é😀1.');
    const content = fc.array(characters, { maxLength: 30 }).map((list) => `a${list.join('')}.`);
    fc.assert(
      fc.property(style, content, (defaultStringType, value) => {
        const text = stringify({ resyncInterval: value }, { version: '1.1', defaultStringType, lineWidth: 20 });
        const [complaint] = complaintsOf(readText(text));
        const quoted = JSON.stringify(value.slice(0, 61));
        expect(complaint).toContain(`: ${quoted.length > 60 ? quoted.slice(0, 59) : quoted}`);
      }),
      { numRuns: 1000 },
    );
  });
});
