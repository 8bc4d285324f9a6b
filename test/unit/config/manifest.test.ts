import { describe, expect, it } from 'vitest';
import { complaintsOf, effectiveOf, readText } from './read-text.ts';

describe('a whole ConfigMap manifest', () => {
  it('is unwrapped: each text of its data counts as a file', () => {
    const reading = readText(
      'kind: ConfigMap\ndata:\n  config: |\n    nonMasqueradeCIDRs: [10.0.0.0/8]\n  more: \'{"NonMasqueradeCIDRs": ["172.16.0.0/12"]}\'\n',
    );
    expect(effectiveOf(reading)?.['nonMasqueradeCIDRs']).toEqual(['10.0.0.0/8', '172.16.0.0/12']);
    expect(reading.ok && reading.config.nonMasqueradeCIDRs.map(({ source }) => source)).toEqual([
      { file: 'a', line: 4, column: 26 },
      { file: 'a', line: 5, column: 9 },
    ]);
    expect(reading.warnings).toEqual([]);
  });

  it.each([
    ['|\n    masqLinkLocal: x\n', 'error: a:4:20:'],
    ['|\n\n    # comment\n    masqLinkLocal: x\n', 'error: a:6:20:'],
    ['|4\n      masqLinkLocal: x\n', 'error: a:4:22:'],
    ['|\r\n    a: 1\r\n    masqLinkLocal: x\r\n', 'error: a:5:20:'],
    ['>\n    masqLinkLocal: x\n', 'error: a:3:11:'],
    ['"masqLinkLocal: x"\n', 'error: a:3:11:'],
  ])('tells the place in the manifest: config: %j', (value, place) => {
    const reading = readText(`kind: ConfigMap\ndata:\n  config: ${value}`);
    expect(complaintsOf(reading)[0]?.slice(0, place.length)).toBe(place);
  });

  it('may be JSON', () => {
    const manifest = { kind: 'ConfigMap', data: { config: '{"MasqLinkLocal":true}\n' } };
    expect(effectiveOf(readText(JSON.stringify(manifest)))?.['masqLinkLocal']).toBe(true);
  });

  it('is not taken for one without the kind', () => {
    const reading = readText('kind: Secret\ndata:\n  config: |\n    masqLinkLocal: true\n');
    expect(effectiveOf(reading)?.['masqLinkLocal']).toBe(false);
    expect(complaintsOf(reading)[0]).toContain('found deeper, where they are not read: data.config.masqLinkLocal');
  });

  it('is not unwrapped twice', () => {
    const inner = 'kind: ConfigMap\n    data:\n      config: x\n';
    expect(complaintsOf(readText(`kind: ConfigMap\ndata:\n  config: |\n    ${inner}`))).toEqual([
      expect.stringMatching(/^warning: a:4:5: NOTHING HERE IS USED, and the defaults are in force: /),
      'warning: a:4:5: kind: unknown key, ignored',
      'warning: a:5:5: data: unknown key, ignored',
    ]);
  });
});
