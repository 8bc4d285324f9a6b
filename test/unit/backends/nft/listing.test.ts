import { describe, expect, it } from 'vitest';
import { desiredTable } from '../../../../src/backends/nft/desired.ts';
import { diffListings, listingOf, parseListing } from '../../../../src/backends/nft/listing.ts';
import { renderTable } from '../../../../src/backends/nft/render.ts';
import { policyWith } from '../../../builders/policy.ts';

const policy = policyWith({
  ipv4: { keepDestinations: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'] },
  toPorts: [{ first: 1024, last: 2048 }],
});
const desired = desiredTable(policy);
const [keepDestinations, masquerade, ipv6] = [...desired.sets, ...desired.chains].map(({ name }) => name);
const expected = listingOf(desired, { isTerse: false });

/** As nft 1.0.6 prints it: other order, wrapped elements, blank lines; protocols by number where /etc/protocols is missing. */
const listed = `table inet ip-masq-agent {
	counter kept-ipv4 {
	}

	counter kept-ipv6 {
	}

	counter masqueraded-ipv4 {
	}

	counter masqueraded-ipv6 {
	}

	set ${keepDestinations} {
		typeof ip daddr
		flags interval
		elements = { 10.0.0.0/8, 169.254.0.0/16,
			     172.16.0.0/12, 192.168.0.0/16 }
	}

	chain postrouting {
		type nat hook postrouting priority srcnat + 10; policy accept;
		fib daddr type local return
		meta nfproto ipv6 goto ${ipv6}
		ip daddr @${keepDestinations} counter name "kept-ipv4" return
		goto ${masquerade}
	}

	chain ${masquerade} {
		meta l4proto { 6, 17, 132 } counter name "masqueraded-ipv4" masquerade to :1024-2048 fully-random
		counter name "masqueraded-ipv4" masquerade fully-random
	}

	chain ${ipv6} {
		ip6 daddr fe80::/10 oifname "lo" return
		counter name "kept-ipv6" return
	}
}
`;

function differencesAfter(from: string, to: string): string[] {
  expect(listed).toContain(from);
  return diffListings(expected, parseListing(listed.replace(from, to)));
}

describe('diffListings', () => {
  it('finds the text that we render equal', () => {
    expect(diffListings(expected, parseListing(renderTable(desired)))).toEqual([]);
  });

  it('finds nft’s own spelling of our table equal', () => {
    expect(diffListings(expected, parseListing(listed))).toEqual([]);
  });

  it.each<[string, string, string, string]>([
    ['an element removed', '172.16.0.0/12,', '', `set ${keepDestinations} was changed`],
    ['an element added', '10.0.0.0/8,', '10.0.0.0/8, 11.0.0.0/8,', `set ${keepDestinations} was changed`],
    ['a rule removed', '\t\tfib daddr type local return\n', '', 'chain postrouting was changed'],
    ['a rule added', '\t\tgoto', '\t\taccept\n\t\tgoto', 'chain postrouting was changed'],
    [
      'rules swapped',
      'oifname "lo" return\n\t\tcounter name "kept-ipv6" return',
      'counter name "kept-ipv6" return\n\t\toifname "lo" return',
      `chain ${ipv6} was changed`,
    ],
    ['another priority', 'srcnat + 10', 'srcnat', 'chain postrouting was changed'],
    ['a set by type', 'typeof ip daddr', 'type ipv4_addr', `set ${keepDestinations} was changed`],
    ['a chain renamed', `chain ${ipv6} {`, 'chain other {', `chain ${ipv6} is missing`],
    [
      'a foreign chain',
      '\tchain postrouting {',
      '\tchain evil {\n\t}\n\tchain postrouting {',
      'chain evil is not ours',
    ],
    [
      'dormant',
      'table inet ip-masq-agent {\n',
      'table inet ip-masq-agent {\n\tflags dormant\n',
      'the table has flags dormant',
    ],
    ['a counter removed', '\tcounter kept-ipv4 {\n\t}\n', '', 'counter kept-ipv4 is missing'],
  ])('sees %s', (_, from, to, difference) => {
    expect(differencesAfter(from, to).join('\n')).toContain(difference);
  });

  it('quotes what stands there instead', () => {
    expect(differencesAfter('172.16.0.0/12', '172.17.0.0/16')).toEqual([
      expect.stringContaining('"172.17.0.0/16, 192.168.0.0/16 }" instead of "172.16.0.0/12, 192.168.0.0/16 }"'),
    ]);
  });

  it('reads garbage of any length in one go', () => {
    const garbage = parseListing('\tgarbage\n'.repeat(300_000));
    expect([...garbage.keys()]).toEqual(['table']);
  });
});
