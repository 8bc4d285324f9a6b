import { describe, expect, it } from 'vitest';
import { signOfAnotherAgent } from '../../../src/backends/another-agent.ts';

describe('signOfAnotherAgent', () => {
  it.each([
    'chain policy-0123456789ab is not ours',
    'set keep-destinations-ipv4-0123456789ab is not ours',
    'chain ipv4-0123456789ab-spare is not ours',
    'chain masquerade-ipv6-0123456789ab is not ours',
    'ipv4: rule that is not ours: -A IP-MASQ-AGENT -d 172.16.0.0/12 -m comment --comment "ip-masq-agent: local traffic is not subject to MASQUERADE" -j RETURN',
  ])('sees one in %j', (difference) => {
    expect(signOfAnotherAgent(['table is odd', difference])).toBe(difference);
  });

  it.each([
    'chain policy-mine is not ours',
    'chain postrouting was changed: "x" instead of "y"',
    'chain policy-0123456789ab is missing',
    'rule that is not ours: -A IP-MASQ-AGENT -s 1.2.3.4/32 -j ACCEPT',
    'set keep-destinations-ipv4-0123456789ab is missing',
  ])('sees none in %j', (difference) => {
    expect(signOfAnotherAgent([difference])).toBeUndefined();
  });
});
