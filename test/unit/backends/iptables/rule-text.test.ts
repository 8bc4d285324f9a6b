import { describe, expect, it } from 'vitest';
import { canonicalRule, parseRule, rulesIn } from '../../../../src/backends/iptables/rule-text.ts';

function same(one: string, other: string): boolean {
  return canonicalRule(parseRule(one)) === canonicalRule(parseRule(other));
}

describe('a rule as iptables -S lists it', () => {
  it('has chain, target and comment', () => {
    const rule = parseRule(
      '-A POSTROUTING -m comment --comment "to our custom \\"X\\" chain" -m addrtype ! --dst-type LOCAL -j IP-MASQ',
    );
    expect(rule).toMatchObject({ chain: 'POSTROUTING', target: 'IP-MASQ', comment: 'to our custom "X" chain' });
    expect(rule.words).toContain('to our custom "X" chain');
  });

  it('has a target where it goes to a chain for good, and none where it only counts', () => {
    expect(parseRule('-A A -s 10.0.0.0/8 -g B').target).toBe('B');
    expect(parseRule('-A A -s 10.0.0.0/8').target).toBeUndefined();
  });

  it('takes no option out of a comment, quoted or not', () => {
    expect(parseRule('-A A -m comment --comment "-j B" -j C')).toMatchObject({ target: 'C', comment: '-j B' });
    expect(parseRule('-A A -m comment --comment -j -j C')).toMatchObject({ target: 'C', comment: '-j' });
  });

  it('is found among the lines about the chain itself', () => {
    const listing = '-P POSTROUTING ACCEPT\n-A POSTROUTING -j A\n-N A\n# Warning: iptables-legacy tables present\n';
    expect(rulesIn(listing)).toEqual(['-A POSTROUTING -j A']);
  });
});

describe('two rules are the same', () => {
  it.each([
    ['in another order', '-A A -d 10.0.0.0/8 -p tcp -j RETURN', '-A A -p tcp -d 10.0.0.0/8 -j RETURN'],
    ['with or without quotes', '-A A -m comment --comment word -j B', '-A A -m comment --comment "word" -j B'],
    ['with the dotted tail of libc', '-A A -d ::1.2.3.4/128 -j RETURN', '-A A -d ::102:304/128 -j RETURN'],
    [
      'with a chance that is rounded the other way',
      '-A A -m statistic --mode random --probability 0.00024414062 -j B',
      '-A A -m statistic --mode random --probability 0.00024414063 -j B',
    ],
  ])('%s', (_, one, other) => {
    expect(same(one, other)).toBe(true);
  });

  it.each([
    ['another chain', '-A A -j RETURN', '-A B -j RETURN'],
    ['another network', '-A A -d 10.0.0.0/8 -j RETURN', '-A A -d 10.0.0.0/9 -j RETURN'],
    ['source for destination', '-A A -d 10.0.0.0/8 -j RETURN', '-A A -s 10.0.0.0/8 -j RETURN'],
    ['a negation', '-A A -m addrtype ! --dst-type LOCAL -j B', '-A A -m addrtype --dst-type LOCAL -j B'],
    ['quotes inside the comment', '-A A -m comment --comment "w o" -j B', '-A A -m comment --comment "\\"w o\\"" -j B'],
    ['an option more', '-A A -j MASQUERADE', '-A A -j MASQUERADE --random-fully'],
    ['jump for goto', '-A A -j B', '-A A -g B'],
    [
      'the next chance',
      '-A A -m statistic --mode random --probability 0.50000000000 -j B',
      '-A A -m statistic --mode random --probability 0.50000000047 -j B',
    ],
  ])('but not with %s', (_, one, other) => {
    expect(same(one, other)).toBe(false);
  });
});
