import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Config, Problem, Sourced } from '../../../src/config/config.ts';
import { formatProblem } from '../../../src/config/problems.ts';
import { type Cidr, coveringCidrs, mergeCidrs, parseCidr } from '../../../src/net/cidr.ts';
import { families } from '../../../src/net/family.ts';
import { complement } from '../../../src/net/ip-set.ts';
import { buildPolicy } from '../../../src/policy/build.ts';
import { diffPolicies } from '../../../src/policy/diff.ts';
import { lintPolicy } from '../../../src/policy/lint.ts';
import { type ListName, listKeys } from '../../../src/policy/policy.ts';
import { everyVerdict, gridOf } from '../../generators/every-verdict.ts';
import { type PlainPolicy, plainFamily, plainPolicy } from '../../generators/plain-policy.ts';
import { policies } from '../../generators/policies.ts';

function cidrOf(text: string): Cidr {
  const cidr = parseCidr(text);
  if (!cidr) throw new Error(`${text} is no CIDR`);
  return cidr;
}

/** A config in which the n-th entry of a list stands in line n of a file that is named like the list. */
function configOf({ ipv4, ipv6 }: PlainPolicy, without: ReadonlySet<string> = new Set()): Config {
  const list = (name: ListName): Sourced<Cidr>[] =>
    [...ipv4[name], ...ipv6[name]]
      .map((text, index) => ({ value: cidrOf(text), source: { file: listKeys[name], line: index + 1, column: 3 } }))
      .filter(({ source: { file, line } }) => !without.has(`${file}:${line}`));
  const setting = <T>(name: string, value: T) => ({ value, source: { file: name, line: 1, column: 1 } });
  return {
    nonMasqueradeCIDRs: list('keepDestinations'),
    nonMasqueradeSrcCIDRs: list('keepSources'),
    forceMasqueradeCIDRs: list('forceMasquerade'),
    masqueradeSrcCIDRs: list('masqueradeSources'),
    masqLinkLocal: setting('masqLinkLocal', ipv4.masqueradeLinkLocal),
    masqLinkLocalIPv6: setting('masqLinkLocalIPv6', ipv6.masqueradeLinkLocal),
    masqOutBound: setting('masqOutBound', ipv4.masqueradeOutbound),
    masqOutBoundIPv6: setting('masqOutBoundIPv6', ipv6.masqueradeOutbound),
    outputAddresses: [],
    rejudgeConnections: setting('rejudgeConnections', 'none'),
    cidrLimit: setting('cidrLimit', 64),
    resyncIntervalMs: setting('resyncInterval', 60_000),
    resyncInterval: '1m0s',
  };
}

function policyOf(config: Config, { ipv6, randomFully, toPorts }: PlainPolicy) {
  return buildPolicy(config, { enableIPv6: ipv6.enabled, randomFully, toPorts });
}

function lint(plain: PlainPolicy): Problem[] {
  const config = configOf(plain);
  return lintPolicy(policyOf(config, plain), config);
}

function withIPv4(settings: Partial<typeof plainFamily>): PlainPolicy {
  return { ...plainPolicy, ipv4: { ...plainFamily, ...settings } };
}

const isIdle = ({ message }: Problem): boolean =>
  message.startsWith('changes no verdict') || message.includes('already');

describe('entries that change no verdict', () => {
  it.each<[string, Partial<typeof plainFamily>, string[]]>([
    [
      'in the same list again',
      { keepDestinations: ['10.0.0.0/8', '192.168.0.0/16', '10.0.0.0/8'] },
      ['nonMasqueradeCIDRs:3:3: 10.0.0.0/8: nonMasqueradeCIDRs has this already: nonMasqueradeCIDRs:1'],
    ],
    [
      'in a larger network of their list, before or after it',
      { keepDestinations: ['10.1.0.0/16', '10.0.0.0/8', '10.1.2.0/24'] },
      [
        'nonMasqueradeCIDRs:1:3: 10.1.0.0/16: changes no verdict: 10.0.0.0/8 (nonMasqueradeCIDRs:2) covers it',
        'nonMasqueradeCIDRs:3:3: 10.1.2.0/24: changes no verdict: 10.0.0.0/8 (nonMasqueradeCIDRs:2) covers it',
      ],
    ],
    [
      'link-local',
      { forceMasquerade: ['169.254.169.254/32'], keepDestinations: ['169.254.0.0/16'] },
      [
        'forceMasqueradeCIDRs:1:3: 169.254.169.254/32: changes no verdict: step 3 comes before, the destination is link-local and masqLinkLocal is false (169.254.0.0/16, masqLinkLocal:1)',
        'nonMasqueradeCIDRs:1:3: 169.254.0.0/16: changes no verdict: step 3 comes before, the destination is link-local and masqLinkLocal is false (169.254.0.0/16, masqLinkLocal:1)',
      ],
    ],
    [
      'forced',
      { forceMasquerade: ['192.0.2.0/24', '10.0.0.0/8'], keepDestinations: ['10.1.0.0/16', '10.0.0.0/7'] },
      ['nonMasqueradeCIDRs:1:3: 10.1.0.0/16: changes no verdict: 10.0.0.0/7 (nonMasqueradeCIDRs:2) covers it'],
    ],
    [
      'forced by several',
      { forceMasquerade: ['10.0.0.0/9', '10.128.0.0/9'], keepDestinations: ['10.0.0.0/8'] },
      [
        'nonMasqueradeCIDRs:1:3: 10.0.0.0/8: changes no verdict: step 5 comes before, the destination is in forceMasqueradeCIDRs (10.0.0.0/9, forceMasqueradeCIDRs:1, and others)',
      ],
    ],
    [
      'sources that are not masqueraded anyway',
      { masqueradeSources: ['10.244.0.0/16'], keepSources: ['10.245.0.0/16', '10.244.1.0/24'] },
      [
        'nonMasqueradeSrcCIDRs:1:3: 10.245.0.0/16: changes no verdict: step 4 comes before, masqueradeSrcCIDRs has IPv4 entries, and the source is in none of them (masqueradeSrcCIDRs:1)',
      ],
    ],
    [
      'after a step that takes all that is left',
      { masqueradeOutbound: false, keepSources: ['10.244.0.0/16'], keepDestinations: ['10.0.0.0/8'] },
      [
        'nonMasqueradeSrcCIDRs:1:3: 10.244.0.0/16: changes no verdict: step 6 comes before, masqOutBound is false: only forceMasqueradeCIDRs is masqueraded (masqOutBound:1)',
        'nonMasqueradeCIDRs:1:3: 10.0.0.0/8: changes no verdict: step 6 comes before, masqOutBound is false: only forceMasqueradeCIDRs is masqueraded (masqOutBound:1)',
      ],
    ],
    [
      'after every source was kept',
      { keepSources: ['0.0.0.0/0'], keepDestinations: ['10.0.0.0/8'] },
      [
        'nonMasqueradeCIDRs:1:3: 10.0.0.0/8: changes no verdict: step 7 comes before, the source is in nonMasqueradeSrcCIDRs (0.0.0.0/0, nonMasqueradeSrcCIDRs:1)',
      ],
    ],
  ])('are told: %s', (_, settings, expected) => {
    expect(lint(withIPv4(settings)).map(formatProblem)).toEqual(expected);
  });

  it('are not those that a default has', () => {
    const config = configOf(plainPolicy);
    const value = cidrOf('169.254.1.0/24');
    const byDefault: Config = { ...config, nonMasqueradeCIDRs: [{ value, source: 'default' }] };
    expect(lintPolicy(policyOf(byDefault, plainPolicy), byDefault)).toEqual([]);
  });

  it('could all be removed at once, whatever the policy', () => {
    fc.assert(
      fc.property(policies, (plain) => {
        const found = lint(plain).filter(isIdle);
        fc.pre(found.length < 19);
        const places = found.map(({ position }) => `${position?.file}:${position?.line}`);
        const [before, after] = [configOf(plain), configOf(plain, new Set(places))];
        expect(diffPolicies(policyOf(before, plain), policyOf(after, plain))).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  it('are all that never decide, but for those that smaller ones of their list add up to', () => {
    fc.assert(
      fc.property(policies, (plain) => {
        const found = lint(plain);
        fc.pre(found.length < 19);
        const told = (list: ListName, text: string) =>
          found.some(({ position, message, found: entry }) => {
            return position?.file === listKeys[list] && (entry === text || message.includes(` ${text} (`));
          });
        for (const { list, text } of neverDeciding(plain))
          expect(`${list} ${text} ${told(list, text)}`).toContain('true');
      }),
      { numRuns: 1000 },
    );
  });

  it('fill a page at most', () => {
    const many = Array.from({ length: 100 }, (_, index) => `10.0.${index}.0/24`);
    const found = lint(withIPv4({ keepDestinations: ['10.0.0.0/8', ...many] }));
    expect(found).toHaveLength(20);
    expect(found.at(-1)?.message).toBe('81 further remarks of this kind');
  });

  it('are found among 100,000 in five times the second that they may take', () => {
    const many = Array.from(
      { length: 50_000 },
      (_, index) => `${10 + (index >> 15)}.${(index >> 7) & 255}.${(index & 127) * 2}.0/24`,
    );
    const plain = withIPv4({ forceMasquerade: many, keepDestinations: ['10.0.0.0/8', ...many] });
    const config = configOf(plain);
    const policy = policyOf(config, plain);
    const before = process.cpuUsage();
    expect(lintPolicy(policy, config)).toHaveLength(20);
    // Time of the processor, since a busy machine says nothing about lint.
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(5000);
  });
});

/** Entries of the lists that take connections, which decide about none of them. */
function neverDeciding(plain: PlainPolicy): { list: ListName; text: string }[] {
  const listOfStep: Readonly<Record<number, ListName>> = {
    5: 'forceMasquerade',
    7: 'keepSources',
    8: 'keepDestinations',
  };
  return families.flatMap((family) => {
    if (!plain[family].enabled) return [];
    const verdicts = everyVerdict(family, plain[family], gridOf(family, [plain[family]])).flat();
    const deciding = new Set(verdicts.map(({ step, line }) => `${listOfStep[step]} ${line}`));
    return (['forceMasquerade', 'keepSources', 'keepDestinations'] as const).flatMap((list) =>
      plain[family][list].flatMap((text, index) =>
        deciding.has(`${list} ${index + 1}`) ? [] : [{ list, text: cidrOf(text).text }],
      ),
    );
  });
}

describe('lists turned inside out', () => {
  const allBut = (...texts: string[]) =>
    coveringCidrs(complement(mergeCidrs(texts.map(cidrOf)), 'ipv4'), 'ipv4').map(({ text }) => text);
  const gaps = ['10.0.0.0/8', '203.0.113.0/24'];

  it.each<[ListName, Partial<typeof plainFamily>, Partial<typeof plainFamily>]>([
    ['keepDestinations', {}, { masqueradeOutbound: false, forceMasquerade: gaps }],
    [
      'keepSources',
      { keepDestinations: ['192.168.0.0/16'] },
      { masqueradeSources: gaps, keepDestinations: ['192.168.0.0/16'] },
    ],
    [
      'masqueradeSources',
      { keepDestinations: ['192.168.0.0/16'] },
      { keepSources: gaps, keepDestinations: ['192.168.0.0/16'] },
    ],
  ])('are told, with what says the same in short: %s', (list, others, shorter) => {
    const plain = withIPv4({ ...others, [list]: allBut(...gaps) });
    const found = lint(plain).filter((problem) => !isIdle(problem));
    expect(found.map(({ message }) => message)).toEqual([
      `${listKeys[list]} is every IPv4 address but 10.0.0.0/8, 203.0.113.0/24, in ${allBut(...gaps).length} entries`,
    ]);
    expect(found[0]?.expected).toMatch(/10\.0\.0\.0\/8, 203\.0\.113\.0\/24\], which says the same$/);
    const same = withIPv4(shorter);
    expect(diffPolicies(policyOf(configOf(plain), plain), policyOf(configOf(same), same))).toEqual([]);
  });

  it('say the same only where no other list disagrees', () => {
    const [found] = lint(withIPv4({ keepDestinations: allBut(...gaps), keepSources: ['10.244.0.0/16'] })).filter(
      (problem) => !isIdle(problem),
    );
    expect(found?.message).toContain('is every IPv4 address but');
    expect(found).not.toHaveProperty('expected');
  });

  it('are not short lists, nor what a few networks are written for', () => {
    expect(lint(withIPv4({ keepDestinations: ['0.0.0.0/1', '128.0.0.0/2'] }))).toEqual([]);
    expect(lint(withIPv4({ keepDestinations: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'] }))).toEqual([]);
  });
});
