import type { Policy } from '../../src/policy/policy.ts';
import { policyWith } from '../builders/policy.ts';

/** The policies that were in force when `test/fixtures/tool-output` was captured, by nft 1.0.6 and iptables 1.8.9. */
export const policies: readonly Policy[] = [
  policyWith({ ipv4: { keepDestinations: ['10.0.0.0/8'] } }),
  policyWith({
    ipv4: {
      masqueradeSources: ['10.244.0.0/16'],
      forceMasquerade: ['10.9.0.0/16'],
      keepSources: ['10.244.1.0/24'],
      keepDestinations: ['172.16.0.0/12', '192.168.0.0/16', '10.0.0.1/32', '10.0.0.4/31', '10.0.0.6/32'],
    },
    ipv6: { forceMasquerade: ['64:ff9b::/96'], keepDestinations: ['fd00::/8', '2001:db8::/33'] },
  }),
  policyWith({
    ipv4: { masqueradeOutbound: false, forceMasquerade: ['203.0.113.0/24'] },
    toPorts: [
      { first: 1024, last: 29_999 },
      { first: 32_768, last: 65_535 },
    ],
  }),
];
