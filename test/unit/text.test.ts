import { describe, expect, it } from 'vitest';
import { nearestName } from '../../src/text.ts';

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
