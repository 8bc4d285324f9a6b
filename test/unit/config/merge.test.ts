import { describe, expect, it } from 'vitest';
import { describeSource } from '../../../src/config/source.ts';
import { complaintsOf, effectiveOf, readTexts } from './read-text.ts';

describe('several files', () => {
  it('are united: lists joined, the booleans that masquerade or not win, the smallest interval, the largest limit, the mildest judgement', () => {
    const reading = readTexts([
      'nonMasqueradeCIDRs: [10.0.0.0/8]\nmasqLinkLocal: true\nmasqOutBound: true\nresyncInterval: 5m\ncidrLimit: 1\nrejudgeConnections: all\n',
      'nonMasqueradeCIDRs: [172.16.0.0/12, 10.0.0.0/8]\nmasqLinkLocal: false\nmasqOutBound: false\nresyncInterval: 30s\ncidrLimit: 2\nrejudgeConnections: udp\n',
      'masqueradeCIDRs: [1.0.0.0/24]\nforceMasqueradeCIDRs: [2.0.0.0/24]\n',
    ]);
    expect(effectiveOf(reading)).toEqual({
      nonMasqueradeCIDRs: ['10.0.0.0/8', '172.16.0.0/12', '10.0.0.0/8'],
      nonMasqueradeSrcCIDRs: [],
      forceMasqueradeCIDRs: ['2.0.0.0/24', '1.0.0.0/24'],
      masqueradeSrcCIDRs: [],
      masqLinkLocal: true,
      masqLinkLocalIPv6: false,
      masqOutBound: false,
      masqOutBoundIPv6: true,
      cidrLimit: 2,
      resyncInterval: '30s',
      rejudgeConnections: 'udp',
      outputAddresses: [],
    });
  });

  it('keep the place of every value', () => {
    const reading = readTexts(['nonMasqueradeCIDRs:\n- 10.0.0.0/8\nmasqLinkLocal: false\n', 'masqLinkLocal: true\n']);
    if (!reading.ok) throw new Error(complaintsOf(reading).join());
    const { nonMasqueradeCIDRs, masqLinkLocal, masqLinkLocalIPv6 } = reading.config;
    expect(nonMasqueradeCIDRs[0]?.source).toEqual({ file: 'a', line: 2, column: 3 });
    expect(masqLinkLocal.source).toEqual({ file: 'b', line: 1, column: 16 });
    expect(describeSource(masqLinkLocal.source)).toBe('b:1');
    expect(masqLinkLocalIPv6.source).toBe('default');
  });

  it('does not speak of defaults where another file names an address', () => {
    const [complaint] = complaintsOf(readTexts(['outputAddress: 192.0.2.10\n', 'foo: 1\n']));
    expect(complaint).toMatch(/NOTHING HERE IS USED: none of the keys/);
  });

  it('name the file of a value that only repeats the default', () => {
    const reading = readTexts(['x: 1\n', 'masqOutBound: true\ncidrLimit: 64\n']);
    expect(reading.ok && reading.config.masqOutBound.source).toEqual({ file: 'b', line: 1, column: 15 });
    expect(reading.ok && reading.config.cidrLimit.source).toEqual({ file: 'b', line: 2, column: 12 });
  });

  it('take the default list only where none has one', () => {
    expect(effectiveOf(readTexts(['masqLinkLocal: true\n', '']))?.['nonMasqueradeCIDRs']).toHaveLength(3);
    expect(effectiveOf(readTexts(['nonMasqueradeCIDRs: []\n', '']))?.['nonMasqueradeCIDRs']).toEqual([]);
    const reserved = readTexts([], { nomasqAllReservedRanges: true });
    const sources = reserved.ok ? reserved.config.nonMasqueradeCIDRs.map(({ source }) => describeSource(source)) : [];
    expect(sources).toEqual([
      ...new Array<string>(3).fill('default'),
      ...new Array<string>(8).fill('--nomasq-all-reserved-ranges'),
    ]);
  });

  it('hold each list to the largest limit', () => {
    const three = 'nonMasqueradeSrcCIDRs: [10.0.0.0/8, 11.0.0.0/8, 12.0.0.0/8]\n';
    expect(readTexts([three, three, 'cidrLimit: 3\n']).ok).toBe(true);
    expect(complaintsOf(readTexts(['nonMasqueradeCIDRs: []\n', three, 'cidrLimit: 2\n']))).toEqual([
      'error: b:1:24: nonMasqueradeSrcCIDRs has 3 entries, more than cidrLimit allows: 2 (expected fewer entries, or cidrLimit: 3)',
      'warning: a:1:21: nonMasqueradeCIDRs is empty: everything will be masqueraded',
    ]);
  });

  it('warn of an empty list only where nothing fills it', () => {
    expect(readTexts(['nonMasqueradeCIDRs: []\n', 'nonMasqueradeCIDRs: [10.0.0.0/8]\n']).warnings).toEqual([]);
  });

  it('are rejected together, each with its own problems', () => {
    const reading = readTexts(['masqLinkLocal: 1\n', '{"cidrLimit": "x"}', 'resyncInterval: 60\n']);
    expect(complaintsOf(reading).map((complaint) => complaint.slice(0, 'error: a:1:1'.length))).toEqual([
      'error: a:1:1',
      'error: b:1:1',
      'error: c:1:1',
    ]);
  });
});
