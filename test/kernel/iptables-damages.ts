import type { Flavour } from '../../src/backends/iptables/names.ts';
import type { Damages } from '../conformance/backend.cases.ts';

/** What others may do to the rules, by hand or by mistake. */
export function iptablesDamages(flavour: Flavour): Damages {
  const ipv4 = [`iptables-${flavour}`, '-t', 'nat'] as const;
  const ipv6 = [`ip6tables-${flavour}`, '-t', 'nat'] as const;
  const main = 'IP-MASQ-AGENT';
  return {
    'a jump that is gone': [[...ipv4, '-F', 'POSTROUTING']],
    'an IPv6 jump that is gone': [[...ipv6, '-F', 'POSTROUTING']],
    'a chain that is empty': [[...ipv4, '-F', main]],
    'a helper chain that is empty': [[...ipv4, '-F', `${main}.MASQ`]],
    'chains that are gone': [
      [...ipv4, '-F'],
      [...ipv4, '-X'],
    ],
    'a rule too few': [[...ipv6, '-D', `${main}.SRC`, '2']],
    'a rule too many': [[...ipv4, '-I', main, '-d', '203.0.113.0/24', '-j', 'RETURN']],
    'a rule that was edited': [[...ipv4, '-R', main, '1', '-d', '169.254.0.0/17', '-j', 'RETURN']],
    'a jump that was edited': [
      [...ipv4, '-R', 'POSTROUTING', '1', '-o', 'eth9', '-m', 'comment', '--comment', jumpComment(main), '-j', main],
    ],
    'a second jump, with the quotes of v2.10': [
      [...ipv4, '-A', 'POSTROUTING', '-m', 'comment', '--comment', `"${jumpComment(main)}"`, '-j', main],
    ],
  };
}

/** Those that change nothing for connections to other networks than link-local ones. */
export const harmlessDamages: ReadonlySet<string> = new Set([
  'a rule too few',
  'a rule that was edited',
  'a second jump, with the quotes of v2.10',
]);

function jumpComment(chain: string): string {
  return `ip-masq-agent: ensure nat POSTROUTING directs all non-LOCAL destination traffic to our custom ${chain} chain`;
}
