import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../../src/net/address.ts';
import { buildPolicy } from '../../../src/policy/build.ts';
import { policyChanges, samePolicy } from '../../../src/policy/changes.ts';
import { diffPolicies } from '../../../src/policy/diff.ts';
import { explainConnection, formatExplanation } from '../../../src/policy/explain.ts';
import { formatDiff } from '../../../src/policy/format-diff.ts';
import { lintPolicy } from '../../../src/policy/lint.ts';
import type { Answers } from '../../../src/policy/node-facts.ts';
import { readText } from '../config/read-text.ts';

const options = { enableIPv6: true, randomFully: true, toPorts: [] };

function configOf(text: string) {
  const reading = readText(text, { enableIPv6: true });
  if (!reading.ok) throw new Error('not a config');
  return reading.config;
}

function answers(names: Readonly<Record<string, readonly string[]>>): Answers {
  return new Map(
    Object.entries(names).map(([name, texts]) => [
      name,
      texts.map(parseAddress).filter((address) => address !== undefined),
    ]),
  );
}

const config = configOf('nonMasqueradeCIDRs:\n- api.example.com\n- 10.0.0.0/8\n- 203.0.113.8/32\n- b.example.com\n');

describe('names in a policy', () => {
  it('stand for their addresses, in their place in the list and by family, each once', () => {
    const known = answers({ 'api.example.com': ['203.0.113.8', '2001:db8::8'], 'b.example.com': ['203.0.113.9'] });
    const policy = buildPolicy(config, options, { answers: known });
    expect(policy.ipv4.keepDestinations.map(({ cidr, name }) => [cidr.text, name])).toEqual([
      ['203.0.113.8/32', 'api.example.com'],
      ['10.0.0.0/8', undefined],
      ['203.0.113.9/32', 'b.example.com'],
    ]);
    expect(policy.ipv6.keepDestinations).toMatchObject([
      { cidr: { text: '2001:db8::8/128' }, name: 'api.example.com', source: { line: 2 } },
    ]);
  });

  it('stand for nothing while they are not known', () => {
    const policy = buildPolicy(config, options);
    expect(policy.ipv4.keepDestinations.map(({ cidr }) => cidr.text)).toEqual(['10.0.0.0/8', '203.0.113.8/32']);
  });

  it('are told beside the address by explain, diff and the log', () => {
    const before = buildPolicy(config, options);
    const after = buildPolicy(config, options, { answers: answers({ 'b.example.com': ['203.0.113.9'] }) });
    const [source, destination] = ['10.244.7.2', '203.0.113.9'].map(parseAddress);
    if (!source || !destination) throw new Error('no address');
    const context = { policy: after, settings: config, unknownNames: ['api.example.com'] };
    const explanation = explainConnection(context, { source, destination, protocol: undefined });
    expect(explanation).toMatchObject({ verdict: 'keep', entry: '203.0.113.9/32', unknownNames: ['api.example.com'] });
    expect(explanation.reason).toContain('as an address of b.example.com');
    expect(formatExplanation(explanation)).toMatch(/note {3}Not known here: .*: api\.example\.com\./);

    const compared = [before, after].map((policy) => ({ policy, settings: config }));
    const [one, other] = compared;
    if (!one || !other) throw new Error('two policies');
    const text = formatDiff(diffPolicies(before, after), one, other);
    expect(text).toContain('as an address of b.example.com (step 8 of 9; 203.0.113.9/32, a:5)');
    expect(policyChanges(before, after).lists).toMatchObject([{ added: [{ name: 'b.example.com' }], removed: [] }]);
    expect(samePolicy(before, after)).toBe(false);
  });

  it('are no cause for remarks, wherever their addresses are', () => {
    const covered = answers({ 'api.example.com': ['10.1.2.3'], 'b.example.com': ['10.1.2.3'] });
    const policy = buildPolicy(config, options, { answers: covered });
    expect(lintPolicy(policy, config)).toEqual([]);
    const twice = configOf('nonMasqueradeCIDRs: [api.example.com, api.example.com]\n');
    expect(lintPolicy(buildPolicy(twice, options), twice)).toMatchObject([
      { message: expect.stringContaining('nonMasqueradeCIDRs has this already') },
    ]);
  });
});
