import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Config } from '../../../src/config/config.ts';
import { formatProblem } from '../../../src/config/problems.ts';
import { mergeCidrs, parseCidr } from '../../../src/net/cidr.ts';
import { families } from '../../../src/net/family.ts';
import { hasAddress } from '../../../src/net/ip-set.ts';
import type { PodRoute } from '../../../src/net/pod-route.ts';
import { buildPolicy } from '../../../src/policy/build.ts';
import { decide } from '../../../src/policy/decide.ts';
import { leftOutOf, lintPodNetworks } from '../../../src/policy/pod-network-lint.ts';
import { configKeeping } from '../../fakes/config.ts';
import { gridOf } from '../../generators/every-verdict.ts';
import { plainFamily, toPolicy } from '../../generators/plain-policy.ts';
import { cidrs, policies } from '../../generators/policies.ts';

function cidrOf(text: string) {
  const cidr = parseCidr(text);
  if (!cidr) throw new Error(`${text} is no CIDR`);
  return cidr;
}

/** Routes as `NETWORK DEVICE`. */
function routesOf(...texts: string[]): PodRoute[] {
  return texts.map((text) => {
    const [network = '', device = ''] = text.split(' ');
    return { cidr: cidrOf(network), device };
  });
}

function lint(config: Config, routes: readonly PodRoute[], enableIPv6 = false): string[] {
  const policy = buildPolicy(config, { enableIPv6, randomFully: true, toPorts: [] });
  return lintPodNetworks(policy, config, routes).map(formatProblem);
}

const listOf = (...texts: string[]) =>
  texts.map((text) => ({ value: cidrOf(text), source: { file: 'more', line: 9, column: 3 } }));

const pods = routesOf('100.64.3.0/24 cni0', '100.64.1.0/24 flannel.1');

describe('lintPodNetworks', () => {
  it('tells in one line what is left out, behind which devices, and what to add where', () => {
    expect(lint(configKeeping(['10.0.0.0/8', '192.168.0.0/16']), pods)).toEqual([
      'ip-masq-agent:2:3: nonMasqueradeCIDRs leaves out Pods, those behind cni0, flannel.1 in 100.64.1.0/24, 100.64.3.0/24: other Pods reach them with the address of the node (expected the network of all Pods, at least 100.64.1.0/24, 100.64.3.0/24, among its entries)',
    ]);
  });

  it('tells of the part that is left out', () => {
    const [line] = lint(configKeeping(['100.64.0.0/23', '100.64.3.0/25']), pods);
    expect(line).toContain('those behind cni0 in 100.64.3.128/25: ');
    expect(line).toContain('at least 100.64.3.128/25,');
  });

  it('says nothing where the list has all of them, or there are none', () => {
    expect(lint(configKeeping(['100.64.0.0/10']), pods)).toEqual([]);
    expect(lint(configKeeping(['100.64.3.0/24', '100.64.1.0/25', '100.64.1.128/25']), pods)).toEqual([]);
    expect(lint(configKeeping(['10.0.0.0/8']), [])).toEqual([]);
  });

  it.each<[string, Partial<Config>]>([
    ['only forced destinations are masqueraded', { masqOutBound: { value: false, source: 'default' } }],
    ['they are forced', { forceMasqueradeCIDRs: listOf('100.64.0.0/10') }],
    ['Pods keep their addresses as sources', { nonMasqueradeSrcCIDRs: listOf('100.64.0.0/16') }],
    ['Pods are not among the sources that are masqueraded', { masqueradeSrcCIDRs: listOf('10.8.0.0/24') }],
    ['the list is empty, which has a warning already', { nonMasqueradeCIDRs: [] }],
  ])('says nothing where %s', (_, settings) => {
    expect(lint({ ...configKeeping(['10.0.0.0/8']), ...settings }, pods)).toEqual([]);
  });

  it('tells of a family at its first entry, else at that of the other, and not while IPv6 is off', () => {
    const both = routesOf('100.64.3.0/24 cni0', 'fd00:244:3::/64 cni0');
    const config = configKeeping(['fd00:1::/64', '10.0.0.0/8']);
    expect(lint(config, both, true).map((line) => line.replace(/ leaves.* in (\S+): .*/, ' $1'))).toEqual([
      'ip-masq-agent:3:3: nonMasqueradeCIDRs 100.64.3.0/24',
      'ip-masq-agent:2:3: nonMasqueradeCIDRs fd00:244:3::/64',
    ]);
    expect(lint(configKeeping(['100.64.0.0/10']), both, true)).toEqual([expect.stringMatching(/^ip-masq-agent:2:3: /)]);
    expect(lint(configKeeping(['100.64.0.0/10']), both)).toEqual([]);
  });

  it('says of the list that is built in how to write one', () => {
    const nonMasqueradeCIDRs = [{ value: cidrOf('10.0.0.0/8'), source: 'default' as const }];
    expect(lint({ ...configKeeping([]), nonMasqueradeCIDRs }, routesOf('100.64.3.0/24 cni0'))).toEqual([
      expect.stringMatching(
        /^default: nonMasqueradeCIDRs leaves .* \(expected it in a config, with what it has by default and the network of all Pods, at least 100\.64\.3\.0\/24\)$/,
      ),
    ]);
    const byFlag = [{ value: cidrOf('10.0.0.0/8'), source: { flag: 'nomasq-all-reserved-ranges' } }];
    expect(lint({ ...configKeeping([]), nonMasqueradeCIDRs: byFlag }, pods)[0]).toMatch(
      /^--nomasq-all-reserved-ranges: /,
    );
  });

  it('tells where single Pods are, the same for each of them, and adds no network of theirs', () => {
    const config = configKeeping(['10.0.0.0/8']);
    const [line, ...others] = lint(config, routesOf('100.64.9.7/32 eni*', '100.64.9.200/32 eni*', '10.1.2.3/32 eni*'));
    expect(line).toMatch(
      / behind eni\* in 100\.64\.9\.0\/24: .*\(expected the network of all Pods, among its entries\)$/,
    );
    expect(others).toEqual([]);
    expect(lint(config, routesOf('100.64.9.8/32 eni*'))).toEqual([line]);
  });

  it('takes one line, however many there are', () => {
    const many = Array.from(
      { length: 2000 },
      (_, index) => `100.${64 + (index >> 7)}.${(index & 127) * 2}.0/24 flannel.1`,
    );
    const found = lint(configKeeping(['10.0.0.0/8']), routesOf(...many));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(' and 1995 more: ');
    expect(found[0]?.length).toBeLessThan(650);
  });

  it('never tells of another destination than the decision masquerades from a Pod, last of all steps', () => {
    const routed = fc.record({
      ipv4: fc.uniqueArray(cidrs('ipv4'), { maxLength: 3 }),
      ipv6: fc.uniqueArray(cidrs('ipv6'), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(policies, routed, (plain, networks) => {
        const policy = toPolicy(plain);
        for (const family of families) {
          const podSet = mergeCidrs(networks[family].map(cidrOf));
          const leftOut = leftOutOf(policy[family], podSet);
          // Where any list or network begins or ends, on either side of a connection.
          const borders = { ...plainFamily, keepSources: networks[family], keepDestinations: networks[family] };
          const { sources, destinations } = gridOf(family, [plain[family], borders]);
          const isMasqueraded = (source: bigint, destination: bigint): boolean =>
            decide(
              policy,
              { source: { family, value: source }, destination: { family, value: destination }, protocol: undefined },
              { isLocal: () => false },
            ).step.id === 'outbound';
          const podSources = sources.filter((source) => hasAddress(podSet, source));
          for (const to of destinations) {
            const expected = hasAddress(podSet, to) && podSources.some((from) => isMasqueraded(from, to));
            expect(hasAddress(leftOut, to)).toBe(expected);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
