import { describe, expect, it } from 'vitest';
import { namesIn } from '../../../src/config/config.ts';
import { formatProblem } from '../../../src/config/problems.ts';
import { effectiveOf, readText } from './read-text.ts';

function problemsOf(...args: Parameters<typeof readText>): readonly string[] {
  const reading = readText(...args);
  return reading.ok ? [] : reading.problems.map(formatProblem);
}

describe('names in a config', () => {
  const text =
    'nonMasqueradeCIDRs: [10.0.0.0/8, API.example.com]\nmasqueradeCIDRs: [api.example.com, other.example.com]\n';

  it('stand among destinations, in lower case, each once in the list of names', () => {
    const reading = readText(text);
    expect(reading.ok && namesIn(reading.config)).toEqual(['api.example.com', 'other.example.com']);
    expect(effectiveOf(reading)).toMatchObject({
      nonMasqueradeCIDRs: ['10.0.0.0/8', 'api.example.com'],
      forceMasqueradeCIDRs: ['api.example.com', 'other.example.com'],
    });
  });

  it('come with one warning, at the first of them', () => {
    const { warnings } = readText(text);
    expect(warnings.map(formatProblem)).toEqual([
      expect.stringMatching(/:1:34: .*api\.example\.com.*verdicts lag behind DNS/),
    ]);
  });

  it.each(['nonMasqueradeSrcCIDRs', 'masqueradeSrcCIDRs'])('are refused in %s', (key) => {
    expect(problemsOf(`${key}: [api.example.com]\n`)).toEqual([
      expect.stringContaining('names stand for destinations'),
    ]);
  });

  it('are refused for the address of connections, and in the lists there', () => {
    expect(problemsOf('outputAddress: api.example.com\n')).toHaveLength(1);
    const lists = '{address: 192.0.2.1, destinations: [api.example.com]}';
    expect(problemsOf(`outputAddresses: [${lists}]\n`)).toEqual([expect.stringContaining('a DNS name in a list')]);
  });

  it('are refused where --allow-names is off, with the flag in the message', () => {
    expect(problemsOf('masqueradeCIDRs: [api.example.com]\n', { allowNames: false })).toEqual([
      expect.stringContaining('--allow-names is false'),
    ]);
  });

  it.each([
    ['example.com.', 'expected example.com'],
    ['https://example.com/path', 'the name alone: example.com'],
    ['example.com:443', 'the name alone: example.com'],
    ['example.com/32', 'the name alone: example.com'],
    ['"*.example.com"', 'each name in an entry of its own'],
    ['10.0.0.x', 'not an IP address'],
    ['10.0.0.0', 'the prefix length is missing'],
    ['localhost', 'not an IP address'],
  ])('are not %s, and the error says what was meant', (entry, expected) => {
    expect(problemsOf(`nonMasqueradeCIDRs: [${entry}]\n`)).toEqual([expect.stringContaining(expected)]);
  });

  it("are not counted against cidrLimit in Baidu's list, as its other entries are not, but in the others", () => {
    const list = '[a.example.com, 10.1.0.0/16, 10.2.0.0/16]';
    expect(problemsOf(`cidrLimit: 2\nnonMasqueradeCIDRs: []\nMasqueradeCIDRs: ${list}\n`)).toEqual([]);
    const limited = problemsOf(`cidrLimit: 2\nnonMasqueradeCIDRs: []\nforceMasqueradeCIDRs: ${list}\n`);
    expect(limited).toEqual([expect.stringContaining('more than cidrLimit allows: 2')]);
  });
});
