import { describe, expect, it } from 'vitest';
import { nearestName, printable } from '../../src/text.ts';

const names = ['masqLinkLocal', 'masqLinkLocalIPv6', 'cidrLimit', 'nonMasqueradeCIDRs'];

describe('nearestName', () => {
  it.each([
    ['maskLinkLocal', 'masqLinkLocal'],
    ['masqLinkLocla', 'masqLinkLocal'],
    ['MASQ_LINK_LOCAL', 'masqLinkLocal'],
    ['masqLinkLocalIpv', 'masqLinkLocalIPv6'],
    ['nonMasqueradeCIDR', 'nonMasqueradeCIDRs'],
    ['limit', undefined],
    ['', undefined],
    ['x'.repeat(100_000), undefined],
  ])('takes %s for %s', (typed, meant) => {
    expect(nearestName(typed, names)).toBe(meant);
  });
});

describe('printable', () => {
  it.each([
    ['plain text, é, 网络, 😀', 'plain text, é, 网络, 😀'],
    ['a\nb\r\tc', String.raw`a\nb\r\tc`],
    ['\u001b[2J\u009b2J\u007f\0', String.raw`\u001b[2J\u009b2J\u007f\u0000`],
    ['\u202e\u2066\u200f\u061c', String.raw`\u202e\u2066\u200f\u061c`],
    ['\u2028\u2029\u0085', String.raw`\u2028\u2029\u0085`],
    ['\u200b\ufeff\u{e0041}', String.raw`\u200b\ufeff\u{e0041}`],
    ['\ud800x', String.raw`\ud800x`],
  ])('shows %j on one line, with nothing that a terminal would obey', (text, shown) => {
    expect(printable(text)).toBe(shown);
  });
});
