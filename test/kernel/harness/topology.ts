import type { Namespace } from './namespace.ts';

/** The addresses that each side has of its own. Pod and world answer to, and send from, every other address as well. */
export const addresses = {
  ipv4: { pod: '10.244.7.2', nodeTowardsPod: '10.244.7.1', node: '198.51.100.10', world: '198.51.100.1' },
  ipv6: { pod: 'fd00:244::2', nodeTowardsPod: 'fd00:244::1', node: '2001:db8:1::10', world: '2001:db8:1::1' },
  linkLocal: { pod: 'fe80::2', node: 'fe80::a', world: 'fe80::1' },
} as const;

/** The interfaces of the node. */
export const links = { pod: 'pod', world: 'world' } as const;

/** Routing tables by the side that a packet comes from, or leaves to. */
const tables = { outOfHost: 100, fromWorld: 101, fromPod: 102 } as const;

/** Connects pod – node – world and lets the node forward between the two sides whatever the addresses are. */
export async function connect(pod: Namespace, node: Namespace, world: Namespace): Promise<void> {
  await Promise.all([configureKernel(pod), configureKernel(node), configureKernel(world)]);
  await feedIp(node, [
    `link add ${links.pod} type veth peer name eth0 netns ${pod.name}`,
    `link add ${links.world} type veth peer name eth0 netns ${world.name}`,
  ]);
  await Promise.all([
    becomeEveryHost(pod, {
      own: [addresses.ipv4.pod, addresses.ipv6.pod, addresses.linkLocal.pod],
      gateways: [addresses.ipv4.nodeTowardsPod, addresses.ipv6.nodeTowardsPod],
    }),
    becomeEveryHost(world, {
      own: [addresses.ipv4.world, addresses.ipv6.world, addresses.linkLocal.world],
      gateways: [addresses.ipv4.node, addresses.ipv6.node],
    }),
    becomeRouter(node),
    forgetConnectionsQuickly(node),
  ]);
}

async function configureKernel(namespace: Namespace): Promise<void> {
  const settings = ['all', 'default'].flatMap((interfaces) => [
    `net.ipv4.conf.${interfaces}.rp_filter=0`,
    `net.ipv4.conf.${interfaces}.accept_local=1`,
    `net.ipv6.conf.${interfaces}.accept_dad=0`,
    // Link-local addresses are given by hand, as the others.
    `net.ipv6.conf.${interfaces}.addr_gen_mode=1`,
  ]);
  settings.push('net.ipv6.ip_nonlocal_bind=1', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1');
  await namespace.run('sysctl', '--quiet', '--write', ...settings);
}

/**
 * Makes every address local to the namespace (AnyIP) for what comes in over eth0, and sends everything that leaves it
 * to the gateways. Local routes come last in each list: with them in place, no gateway is a neighbour any more.
 */
async function becomeEveryHost(
  namespace: Namespace,
  { own, gateways: [gateway4, gateway6] }: { own: readonly string[]; gateways: readonly [string, string] },
): Promise<void> {
  const rules = [
    'rule add pref 10 iif eth0 lookup local',
    `rule add pref 20 lookup ${tables.outOfHost}`,
    'rule delete pref 0',
  ];
  await feedIp(namespace, [
    'link set lo up',
    'link set eth0 up',
    ...own.map((address) => `address add ${address} dev eth0`),
    `route add default via ${gateway4} dev eth0 onlink table ${tables.outOfHost}`,
    'route add local 0.0.0.0/0 dev lo',
    ...rules,
  ]);
  await feedIp(
    namespace,
    [
      `route add default via ${gateway6} dev eth0 onlink table ${tables.outOfHost}`,
      `route add fe80::/10 via ${addresses.linkLocal.node} dev eth0 onlink table ${tables.outOfHost}`,
      'route add local ::/0 dev lo table local',
      // A link-local destination is looked up among the routes of the interface that it came in by.
      'route add local fe80::/10 dev eth0 table local',
      ...rules,
    ],
    '-6',
  );
}

/** Forwards by incoming interface, so that any source can talk to any destination, equal prefixes included. */
async function becomeRouter(node: Namespace): Promise<void> {
  const rules = [
    `rule add pref 10 iif ${links.pod} lookup ${tables.fromPod}`,
    `rule add pref 11 iif ${links.world} lookup ${tables.fromWorld}`,
  ];
  const routes = ({ pod, world }: { pod: string; world: string }) => [
    `route add ${pod} dev ${links.pod}`,
    `route add default via ${world} dev ${links.world} onlink`,
    `route add default via ${world} dev ${links.world} onlink table ${tables.fromPod}`,
    `route add default via ${pod} dev ${links.pod} onlink table ${tables.fromWorld}`,
  ];
  await feedIp(node, [
    'link set lo up',
    `link set ${links.pod} up`,
    `link set ${links.world} up`,
    ...[addresses.ipv4.nodeTowardsPod, addresses.ipv6.nodeTowardsPod, addresses.linkLocal.node].map(
      (address) => `address add ${address} dev ${links.pod}`,
    ),
    ...[addresses.ipv4.node, addresses.ipv6.node, addresses.linkLocal.node].map(
      (address) => `address add ${address} dev ${links.world}`,
    ),
    ...routes(addresses.ipv4),
    ...rules,
  ]);
  await feedIp(
    node,
    [
      ...routes(addresses.ipv6),
      `route add fe80::/10 via ${addresses.linkLocal.world} dev ${links.world} onlink`,
      ...rules,
    ],
    '-6',
  );
}

/**
 * Lets conntrack in the node forget UDP packets without an answer after a second: the first packet of a connection is
 * what meets NAT rules, and hundreds of thousands of first packets must neither meet each other nor fill the table.
 */
async function forgetConnectionsQuickly(node: Namespace): Promise<void> {
  // The settings exist once conntrack is loaded, which a rule about it sees to.
  const loadConntrack = `table inet load-conntrack {
  chain forward {
    type filter hook forward priority filter; policy accept;
    ct state new
  }
}
delete table inet load-conntrack
`;
  await node.feed(loadConntrack, 'nft', '--file', '-');
  await node.run('sysctl', '--quiet', '--write', 'net.netfilter.nf_conntrack_udp_timeout=1');
}

async function feedIp(namespace: Namespace, lines: readonly string[], ...options: string[]): Promise<void> {
  await namespace.feed(`${lines.join('\n')}\n`, 'ip', ...options, '-batch', '-');
}
