import { type Cidr, containsAddress, formatAddress } from '../net/cidr.ts';
import { addressBits } from '../net/family.ts';
import type { NodeAddress } from '../net/node-address.ts';

/** The address that an entry stands for on this node, or why it stands for none. */
export type ChosenAddress = { readonly value: bigint } | { readonly idle: string };

/** kube-proxy's IPVS mode puts the address of every Service on this interface. */
const serviceInterface = 'kube-ipvs0';

/**
 * The node's own address that a config names: that very one, or the only one in a network. Without knowledge of the node
 * (undefined) an address is taken as it is.
 */
export function chooseAddress(
  { cidr, isNetwork }: { readonly cidr: Cidr; readonly isNetwork: boolean },
  nodeAddresses: readonly NodeAddress[] | undefined,
): ChosenAddress {
  if (nodeAddresses === undefined) {
    return isNetwork ? { idle: 'the addresses of the node are not known here' } : { value: cidr.network };
  }
  const own = nodeAddresses.filter(
    (address) => address.isGlobal && !address.isUnusable && containsAddress(cidr, address),
  );
  if (!isNetwork) return own.length > 0 ? { value: cidr.network } : { idle: 'the node does not have this address' };

  const candidates = own.filter(
    (address) => !address.isTemporary && !address.isLoopback && address.interface !== serviceInterface,
  );
  const [only, ...others] = distinct(candidates);
  if (only === undefined) return { idle: `the node has no address in ${cidr.text}` };
  if (others.length === 0) return { value: only };
  const [primary, ...further] = distinct(
    candidates.filter(({ isSecondary, prefix, family }) => !isSecondary && prefix < addressBits[family]),
  );
  if (primary !== undefined && further.length === 0) return { value: primary };
  const texts = [only, ...others].map((value) => formatAddress(cidr.family, value)).slice(0, 4);
  return { idle: `the node has several addresses in ${cidr.text}: ${texts.join(', ')}` };
}

function distinct(addresses: readonly NodeAddress[]): bigint[] {
  return [...new Set(addresses.map(({ value }) => value))];
}
