import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { durationFault, formatDuration, parseDuration } from '../../../src/net/duration.ts';

const second = 1_000_000_000n;

describe('parseDuration', () => {
  // What Go's time.ParseDuration gives.
  it.each([
    ['1m0s', 60n * second],
    ['90s', 90n * second],
    ['1h30m', 5400n * second],
    ['1.5h', 5400n * second],
    ['.5s', second / 2n],
    ['5.s', 5n * second],
    ['+5s', 5n * second],
    ['-5s', -5n * second],
    ['0', 0n],
    ['-0', 0n],
    ['1s1m', 61n * second],
    ['1us', 1000n],
    ['1\u00b5s', 1000n],
    ['1\u03bcs', 1000n],
    ['0.0000000009s', 0n],
    ['0.3333333333333333333h', 1_200_000_000_000n],
    ['1.00000000000000000000000000001s', second],
    ['9223372036854775807ns', 2n ** 63n - 1n],
    ['2562047h47m16.854775807s', 2n ** 63n - 1n],
    ['-9223372036854775808ns', -(2n ** 63n)],
    // Go adds in 64 bits: 2^63 twice is 0.
    ['9223372036854775808ns9223372036854775808ns', 0n],
  ])('reads %s', (text, nanoseconds) => {
    expect(parseDuration(text)).toBe(nanoseconds);
  });

  it.each([
    ['', 'an empty duration'],
    ['-', 'an empty duration'],
    ['60', 'a duration without a unit'],
    ['1h60', 'a duration without a unit'],
    [' 60s', 'a duration with spaces around it'],
    ['1d', 'unknown unit "d" in a duration'],
    ['1M', 'unknown unit "M" in a duration'],
    ['1 m', 'unknown unit " m" in a duration'],
    ['1e3s', 'unknown unit "e" in a duration'],
    ['.s', 'not a duration'],
    ['--1s', 'not a duration'],
    ['\uff11s', 'not a duration'],
    ['10000000h', 'longer than 292 years, more than Go can count'],
    ['9223372036854775808ns', 'longer than 292 years, more than Go can count'],
    ['99999999999999999999ns', 'longer than 292 years, more than Go can count'],
  ])('refuses %j: %s', (text, fault) => {
    expect(parseDuration(text)).toBeUndefined();
    expect(durationFault(text)).toBe(fault);
  });

  it('agrees with a model in exact fractions, within the nanosecond that Go loses in float64', () => {
    const part = fc.tuple(
      fc.bigInt(0n, 10n ** 6n),
      fc.option(fc.stringMatching(/^[0-9]{0,12}$/), { nil: undefined }),
      fc.constantFrom('ns', 'us', 'ms', 's', 'm', 'h'),
    );
    fc.assert(
      fc.property(fc.constantFrom('', '-', '+'), fc.array(part, { minLength: 1, maxLength: 5 }), (sign, parts) => {
        const text =
          sign +
          parts
            .map(([whole, fraction, unit]) => `${whole}${fraction === undefined ? '' : `.${fraction}`}${unit}`)
            .join('');
        const sizes: Record<string, bigint> = {
          ns: 1n,
          us: 1000n,
          ms: 10n ** 6n,
          s: second,
          m: 60n * second,
          h: 3600n * second,
        };
        let exact = 0n;
        for (const [whole, fraction = '', unit] of parts) {
          const size = sizes[unit] ?? 0n;
          exact += whole * size + (BigInt(fraction || '0') * size) / 10n ** BigInt(fraction.length);
        }
        const parsed = parseDuration(text);
        if (exact >= 2n ** 63n) expect(parsed).toBeUndefined();
        else {
          const difference = (parsed ?? 2n ** 64n) - (sign === '-' ? -exact : exact);
          expect(difference * difference).toBeLessThanOrEqual(BigInt(parts.length) ** 2n);
        }
      }),
    );
  });

  it('takes no text that does not look like a duration', () => {
    const pieces = fc.constantFrom('1', '0', '.', '-', '+', 's', 'm', 'h', 'ms', 'd', ' ', 'e', '_');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(pieces).map((list) => list.join('')),
        ),
        (text) => {
          const looksRight = /^[-+]?(0|((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)$/.test(text);
          expect(parseDuration(text) !== undefined).toBe(looksRight);
        },
      ),
    );
  });
});

describe('formatDuration', () => {
  it.each([
    [0n, '0s'],
    [1n, '1ns'],
    [1100n, '1.1\u00b5s'],
    [2_200_000n, '2.2ms'],
    [3_300_000_000n, '3.3s'],
    [60n * second, '1m0s'],
    [245n * second, '4m5s'],
    [245_001_000_000n, '4m5.001s'],
    [18_367n * second, '5h6m7s'],
    [480_000_000_001n, '8m0.000000001s'],
    [2n ** 63n - 1n, '2562047h47m16.854775807s'],
    [-(2n ** 63n), '-2562047h47m16.854775808s'],
  ])('prints %i as Go does', (nanoseconds, text) => {
    expect(formatDuration(nanoseconds)).toBe(text);
  });

  it('prints what parseDuration reads back', () => {
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (nanoseconds) => {
        expect(parseDuration(formatDuration(nanoseconds))).toBe(nanoseconds);
      }),
    );
  });
});
