import type { Cidr } from '../../net/cidr.ts';
import type { FamilyPolicy, Policy } from '../../policy/policy.ts';

const network: Cidr = { family: 'ipv4', network: 10n << 24n, prefix: 8, text: '10.0.0.0/8' };

const ipv4: FamilyPolicy = {
  family: 'ipv4',
  enabled: true,
  masqueradeLinkLocal: false,
  masqueradeSources: [],
  forceMasquerade: [],
  masqueradeOutbound: true,
  keepSources: [],
  keepDestinations: [{ cidr: network, source: 'default' }],
  outputs: [],
};

/** The smallest policy that uses every kernel feature which any policy needs: inet NAT, fib, interval sets, counters. */
export const probePolicy: Policy = {
  ipv4,
  ipv6: { ...ipv4, family: 'ipv6', enabled: false, keepDestinations: [] },
  randomFully: true,
  toPorts: [],
  idleOutputs: [],
};
