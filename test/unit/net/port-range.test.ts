import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatPortRange, type PortRange, parsePortRanges, portRangeShares } from '../../../src/net/port-range.ts';

function rangesOf(text: string): readonly PortRange[] {
  const reading = parsePortRanges(text);
  if (!reading.ok) throw new Error(reading.message);
  return reading.ranges;
}

const port = fc.integer({ min: 1, max: 65_535 });
const portRange: fc.Arbitrary<PortRange> = fc.tuple(port, port).map(([one, other]) => ({
  first: Math.min(one, other),
  last: Math.max(one, other),
}));

describe('parsePortRanges', () => {
  test.each([
    ['', []],
    [
      '1024-29999,32768-65535',
      [
        [1024, 29_999],
        [32_768, 65_535],
      ],
    ],
    ['1024', [[1024, 1024]]],
    ['1-65535', [[1, 65_535]]],
    ['7-7', [[7, 7]]],
    [
      '2000-3000,1-2',
      [
        [2000, 3000],
        [1, 2],
      ],
    ],
    [
      '1024-2000,1500-3000',
      [
        [1024, 2000],
        [1500, 3000],
      ],
    ],
    // strconv.Atoi accepts a sign and leading zeros, and never reads them as octal.
    ['+5-0010', [[5, 10]]],
    ['0065535', [[65_535, 65_535]]],
  ])('reads %j', (text, expected) => {
    expect(rangesOf(text)).toEqual(expected.map(([first, last]) => ({ first, last })));
  });

  test.each([
    ['abc', '"abc" is not a range of ports'],
    ['1024-2000, 3000-4000', '" 3000-4000" is not a range of ports'],
    ['1024-2000,', '"" is not a range of ports'],
    [',1024', '"" is not a range of ports'],
    [' ', '" " is not a range of ports'],
    ['1024-', '"1024-" is not a range of ports'],
    ['-1024', '"-1024" is not a range of ports'],
    ['1-2-3', '"1-2-3" is not a range of ports'],
    ['1--2', '"1--2" is not a range of ports'],
    ['1024:2000', '"1024:2000" is not a range of ports'],
    ['1_024', '"1_024" is not a range of ports'],
    ['0x10', '"0x10" is not a range of ports'],
    ['1e3', '"1e3" is not a range of ports'],
    ['1.0', '"1.0" is not a range of ports'],
    ['١', '"١" is not a range of ports'],
    ['++1', '"++1" is not a range of ports'],
    ['0-100', '"0-100": 0 is not a port'],
    ['0', '"0": 0 is not a port'],
    ['1024-70000', '"1024-70000": 70000 is not a port'],
    ['65536', '"65536": 65536 is not a port'],
    ['1-99999999999999999999999999', '"1-99999999999999999999999999": 99999999999999999999999999 is not a port'],
    ['2000-1024', '"2000-1024" ends before it begins'],
    ['1-2,4-3', '"4-3" ends before it begins'],
  ])('rejects %j', (text, problem) => {
    expect(parsePortRanges(text)).toEqual({
      ok: false,
      message: `${problem}; expected ports 1-65535 or ranges first-last, separated by commas without spaces, e.g. 1024-29999,32768-65535`,
    });
  });

  test('is the inverse of formatting', () => {
    fc.assert(
      fc.property(fc.array(portRange), (ranges) => {
        expect(rangesOf(ranges.map(formatPortRange).join(','))).toEqual(ranges);
      }),
    );
  });

  test('gives nothing but ranges of ports, whatever the text', () => {
    const text = fc.string({ unit: fc.constantFrom('0', '1', '6', '5', '9', '-', ',', '+', ' ', 'x') });
    fc.assert(
      fc.property(text, (input) => {
        const reading = parsePortRanges(input);
        for (const { first, last } of reading.ok ? reading.ranges : []) {
          expect(first).toBeGreaterThanOrEqual(1);
          expect(last).toBeGreaterThanOrEqual(first);
          expect(last).toBeLessThanOrEqual(65_535);
        }
      }),
    );
  });
});

test('a range of one port is written as that port', () => {
  expect(formatPortRange({ first: 1024, last: 1024 })).toBe('1024');
  expect(formatPortRange({ first: 1024, last: 1025 })).toBe('1024-1025');
});

describe('portRangeShares', () => {
  test('has no share without a range', () => {
    expect(portRangeShares([])).toEqual([]);
  });

  test('counts the ports of each range and of those that follow', () => {
    expect(portRangeShares(rangesOf('1024-29999,32768-65535,7'))).toEqual([
      { range: { first: 1024, last: 29_999 }, size: 28_976, remaining: 61_745 },
      { range: { first: 32_768, last: 65_535 }, size: 32_768, remaining: 32_769 },
      { range: { first: 7, last: 7 }, size: 1, remaining: 1 },
    ]);
  });

  // The probabilities that upstream's rules show in iptables-save, which prints multiples of 2^-31.
  test.each([
    ['1024-29999,32768-65535', '0.46929256292'],
    ['1024,65535', '0.50000000000'],
    ['1024-2000,1500-3000', '0.39426957211'],
  ])('agrees with upstream on %s', (text, expected) => {
    const [first, last] = portRangeShares(rangesOf(text));
    if (!first || !last) throw new Error('two shares expected');
    expect((Math.round((first.size / first.remaining) * 2 ** 31) / 2 ** 31).toFixed(11)).toBe(expected);
    expect(last.size).toBe(last.remaining);
  });

  test('chooses each range in proportion to its size', () => {
    fc.assert(
      fc.property(fc.array(portRange, { minLength: 1, maxLength: 20 }), (ranges) => {
        const total = ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
        let reached = 1;
        for (const { range, size, remaining } of portRangeShares(ranges)) {
          expect(reached * (size / remaining)).toBeCloseTo((range.last - range.first + 1) / total, 12);
          reached *= 1 - size / remaining;
        }
        expect(reached).toBe(0);
      }),
    );
  });
});
