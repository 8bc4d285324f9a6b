import { createReadStream } from 'node:fs';
import { text } from 'node:stream/consumers';
import { type Cidr, containsAddress, parseCidr } from '../net/cidr.ts';
import { addressBits } from '../net/family.ts';
import type { PodRoute } from '../net/pod-route.ts';
import { parseIPv4Routes, parseIPv6Routes, type Route } from './route-table.ts';

/** Devices that only a network plugin for Pods makes, and which of the routes to them are about Pods. */
interface PodDevices {
  readonly name: RegExp;
  /** How they are told of where there is one for each Pod. */
  readonly label?: string;
  readonly isPodRoute: (route: Route) => boolean;
}

const every = (): boolean => true;
/** tunl0 is also the kernel's own, which load balancers use with addresses and without gateways. */
const byGateway = ({ hasGateway }: Route): boolean => hasGateway;
/** OVN and Antrea also send Services, or all that is for other nodes, to a gateway behind theirs. */
const connected = ({ hasGateway }: Route): boolean => !hasGateway;
/** The addresses of single Pods. */
const single = ({ cidr }: Route): boolean => cidr.prefix === addressBits[cidr.family];

/**
 * Only names that nobody else uses: a wrong warning is worse than none. So there are neither bridges of Docker
 * (docker0, br-…) and libvirt (virbr0) nor tun0; and where Pods of other nodes are routed by the node's own interface, as
 * with host-gw and BGP, nothing tells their routes from others. Names with numbers at random are matched in full.
 */
const podDevices: readonly PodDevices[] = [
  // The bridge plugin's default; kubenet; kube-router; Weave.
  { name: /^(?:cni0|cbr0|kube-bridge|weave)$/, isPodRoute: every },
  // Flannel over UDP, VXLAN and WireGuard.
  { name: /^flannel(?:0|(?:-v6)?\.\d+|-wg(?:-v6)?)$/, isPodRoute: every },
  // Calico over VXLAN and WireGuard, and over IP in IP.
  { name: /^(?:vxlan(?:-v6)?\.calico|wireguard\.cali|wg-v6\.cali)$/, isPodRoute: every },
  { name: /^tunl0$/, isPodRoute: byGateway },
  { name: /^cilium_(?:host|vxlan|geneve|wg0)$/, isPodRoute: every },
  { name: /^(?:antrea-gw0|ovn-k8s-mp0)$/, isPodRoute: connected },
  // One for each Pod: Calico and Terway; GKE; Azure; Amazon's VPC CNI; Cilium; the ptp plugin, and containers that LXD routes.
  { name: /^cali[0-9a-f]{11}$/, label: 'cali*', isPodRoute: single },
  { name: /^gke[0-9a-f]{11}$/, label: 'gke*', isPodRoute: single },
  { name: /^azv[0-9a-f]{7,11}$/, label: 'azv*', isPodRoute: single },
  { name: /^eni[0-9a-f]{11}$/, label: 'eni*', isPodRoute: single },
  { name: /^lxc(?:[0-9a-f]{12}|_health)$/, label: 'lxc*', isPodRoute: single },
  { name: /^veth[0-9a-f]{8}$/, label: 'veth*', isPodRoute: single },
];

function isOfPods(device: string): boolean {
  return podDevices.some(({ name }) => name.test(device));
}

/** A default route, or a half of one, is no network of Pods, whatever it leads to. */
const shortestPrefix = 8;

/** Link-local and multicast networks, which every device has routes to. */
const neverOfPods = ['169.254.0.0/16', '224.0.0.0/4', 'fe80::/10', 'ff00::/8'].flatMap((text) => parseCidr(text) ?? []);

function mayBeOfPods({ family, network, prefix }: Cidr): boolean {
  return prefix >= shortestPrefix && !neverOfPods.some((cidr) => containsAddress(cidr, { family, value: network }));
}

/** Of a node's routes, those that certainly lead to Pods. */
export function podRoutesAmong(routes: readonly Route[]): PodRoute[] {
  return routes.flatMap((route) => {
    const { cidr, device } = route;
    const devices = podDevices.find(({ name }) => name.test(device));
    return devices?.isPodRoute(route) && mayBeOfPods(cidr) ? [{ cidr, device: devices.label ?? device }] : [];
  });
}

/** 30,000 routes. A router may have a million, and of those the ones in private networks are among the first in IPv4. */
const mostBytes = 4 * 2 ** 20;

/** The routes to Pods in this network, as far as they can be told and read; none of a family that the kernel lacks. */
export async function findPodRoutes(): Promise<readonly PodRoute[]> {
  const [ipv4, ipv6] = await Promise.all(['route', 'ipv6_route'].map(readTable));
  return podRoutesAmong([...parseIPv4Routes(ipv4 ?? '', isOfPods), ...parseIPv6Routes(ipv6 ?? '', isOfPods)]);
}

async function readTable(name: string): Promise<string> {
  try {
    return await text(createReadStream(`/proc/self/net/${name}`, { end: mostBytes - 1 }));
  } catch {
    return '';
  }
}
