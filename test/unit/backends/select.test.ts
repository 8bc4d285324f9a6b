import { describe, expect, it } from 'vitest';
import type { BackendName, Probe } from '../../../src/backends/backend.ts';
import { chooseBackend, type HostFacts } from '../../../src/backends/select.ts';

const works: Probe = { usable: true, reason: 'it works' };
const broken: Probe = { usable: false, reason: 'broken' };
const hint = (flavour: 'nft' | 'legacy') => ({ flavour, family: 'ipv4', chain: 'KUBE-IPTABLES-HINT' }) as const;

/** Which backends work, in the order nft, iptables-nft, iptables-legacy; the others were asked and do not. */
function facts(working: string, kubeletHint?: HostFacts['kubeletHint']): HostFacts {
  const probe = (position: number) => (working[position] === '1' ? works : broken);
  return { probes: { nft: probe(0), 'iptables-nft': probe(1), 'iptables-legacy': probe(2) }, kubeletHint };
}

describe('auto', () => {
  it.each<[string, 'nft' | 'legacy' | undefined, BackendName | undefined]>([
    ['111', undefined, 'nft'],
    ['111', 'nft', 'nft'],
    ['111', 'legacy', 'nft'],
    ['100', 'legacy', 'nft'],
    ['011', undefined, 'iptables-nft'],
    ['011', 'nft', 'iptables-nft'],
    ['011', 'legacy', 'iptables-legacy'],
    ['010', undefined, 'iptables-nft'],
    ['010', 'nft', 'iptables-nft'],
    ['010', 'legacy', 'iptables-nft'],
    ['001', undefined, 'iptables-legacy'],
    ['001', 'nft', 'iptables-legacy'],
    ['001', 'legacy', 'iptables-legacy'],
    ['000', undefined, undefined],
    ['000', 'nft', undefined],
    ['000', 'legacy', undefined],
  ])('with %s and a hint of %s is %s', (working, flavour, expected) => {
    const choice = chooseBackend('auto', facts(working, flavour && hint(flavour)));
    expect(choice.backend).toBe(expected);
  });

  it('does not need to know of others where nft works', () => {
    expect(chooseBackend('auto', { probes: { nft: works }, kubeletHint: undefined })).toEqual({
      backend: 'nft',
      reason: 'it works',
    });
  });

  it('says what spoke for a backend and what against those before it', () => {
    expect(chooseBackend('auto', facts('011', hint('legacy')))).toEqual({
      backend: 'iptables-legacy',
      reason:
        'the kubelet keeps its rules there (ipv4 chain KUBE-IPTABLES-HINT); it works; nft does not work here: broken',
    });
    expect(chooseBackend('auto', facts('001', hint('nft')))).toEqual({
      backend: 'iptables-legacy',
      reason: 'it works; nft does not work here: broken; iptables-nft does not work here: broken',
    });
  });

  it('says of each backend why it can not be', () => {
    expect(chooseBackend('auto', facts('000'))).toEqual({
      backend: undefined,
      reasons: ['nft', 'iptables-nft', 'iptables-legacy'].map((name) => `${name} does not work here: broken`),
    });
  });
});

describe('a backend that the user names', () => {
  it.each<[BackendName, string]>([
    ['nft', '100'],
    ['iptables-nft', '010'],
    ['iptables-legacy', '001'],
  ])('is %s where it works', (requested, working) => {
    expect(chooseBackend(requested, facts(working))).toEqual({
      backend: requested,
      reason: `--backend=${requested}; it works`,
    });
  });

  it.each<[BackendName, string]>([
    ['nft', '011'],
    ['iptables-nft', '101'],
    ['iptables-legacy', '110'],
  ])('is none instead of %s where it does not', (requested, working) => {
    expect(chooseBackend(requested, facts(working, hint('nft')))).toEqual({
      backend: undefined,
      reasons: [`${requested} does not work here: broken`],
    });
  });
});
