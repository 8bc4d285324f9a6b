import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textLine } from '../../../src/telemetry/log.ts';

describe('textLine', () => {
  it('lays out time, level, message and fields', () => {
    const line = textLine({
      timestamp: '2026-01-02T03:04:05.678Z',
      level: 'info',
      message: 'rules changed',
      took: '12ms',
      added: ['10.0.0.0/8 (a:1)', '::/0 (a:2)'],
      count: 3,
      empty: '',
    });
    expect(line).toBe(
      '2026-01-02T03:04:05.678Z info  rules changed took=12ms added="10.0.0.0/8 (a:1), ::/0 (a:2)" count=3 empty=""',
    );
  });

  it('writes one line, whatever a config or a tool puts into it', () => {
    expect(textLine({ timestamp: 't', level: 'error', message: 'a\nb\u001b[31m', x: 'c\nd' })).toBe(
      't error a\\nb\\u001b[31m x="c\\nd"',
    );
    // All control characters are among these.
    const anyText = fc.string({ unit: fc.integer({ min: 0, max: 0xff }).map((code) => String.fromCharCode(code)) });
    fc.assert(
      fc.property(anyText, anyText, (message, field) => {
        expect(textLine({ timestamp: 't', level: 'warn', message, field })).not.toMatch(/\p{Cc}/u);
      }),
    );
  });
});
