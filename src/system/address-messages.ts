import type { NodeAddress } from '../net/node-address.ts';
import { encodeAttribute, findAttribute, messageFlags, type NetlinkMessage, textOf } from './netlink-messages.ts';

/** NETLINK_ROUTE with RTNLGRP_IPV4_IFADDR and RTNLGRP_IPV6_IFADDR, of linux/netlink.h and linux/rtnetlink.h. */
export const addressGroups = { protocol: 0, groups: [5, 9] } as const;

/** RTM_* of linux/rtnetlink.h. */
const kinds = { newLink: 16, getLink: 18, newAddress: 20, delAddress: 21, getAddress: 22 } as const;

/** struct ifinfomsg: family u8, padding u8, type u16, index i32, flags u32, change u32. */
const linkHeadLength = 16;
/** IFLA_* of linux/if_link.h; RTEXT_FILTER_SKIP_STATS leaves out most of what a dump of links is long of. */
const linkAttributes = { name: 3, extensionMask: 29 } as const;
const skipStatistics = 8;
/** IFF_LOOPBACK of linux/if.h. */
const loopback = 0x8;

/** struct ifaddrmsg: family u8, prefix u8, flags u8, scope u8, index u32. */
const addressHeadLength = 8;
/** IFA_* of linux/if_addr.h. */
const addressAttributes = { address: 1, local: 2, flags: 8 } as const;
/** AF_INET and AF_INET6 of linux/socket.h, and how long an address is. */
const families = {
  2: { family: 'ipv4', length: 4 },
  10: { family: 'ipv6', length: 16 },
} as const;
/** RT_SCOPE_UNIVERSE. */
const universe = 0;

/** IFA_F_*: the first means `secondary` for IPv4 and `temporary` for IPv6. */
const secondaryOrTemporary = 0x01;
/** IFA_F_DADFAILED, IFA_F_DEPRECATED and IFA_F_TENTATIVE. */
const unusable = 0x08 | 0x20 | 0x40;

/** Asks for all interfaces. */
export const linksRequest = {
  type: kinds.getLink,
  flags: messageFlags.dump,
  body: Buffer.concat([
    Buffer.alloc(linkHeadLength),
    encodeAttribute(linkAttributes.extensionMask, Buffer.from([skipStatistics, 0, 0, 0])),
  ]),
} as const;

/** Asks for all addresses of both families. */
export const addressesRequest = {
  type: kinds.getAddress,
  flags: messageFlags.dump,
  body: Buffer.alloc(addressHeadLength),
} as const;

/** An interface, by the number that its addresses refer to. */
export interface Link {
  readonly index: number;
  readonly name: string;
  readonly isLoopback: boolean;
}

/** Reads an RTM_NEWLINK; undefined where the message is another. Never throws. */
export function parseLink({ type, body }: NetlinkMessage): Link | undefined {
  if (type !== kinds.newLink || body.length < linkHeadLength) return undefined;
  const name = textOf(findAttribute(body, linkHeadLength, linkAttributes.name));
  if (name === undefined) return undefined;
  return { index: body.readInt32LE(4), name, isLoopback: (body.readUInt32LE(8) & loopback) !== 0 };
}

/** An address, with the number of its interface in the place of the name. */
export type LinkAddress = Omit<NodeAddress, 'interface' | 'isLoopback'> & { readonly index: number };

/**
 * Reads an RTM_NEWADDR, or an RTM_DELADDR, which tells of an address as it was; undefined where the message is another.
 * Never throws.
 */
export function parseLinkAddress({ type, body }: NetlinkMessage): LinkAddress | undefined {
  if (type !== kinds.newAddress && type !== kinds.delAddress) return undefined;
  if (body.length < addressHeadLength) return undefined;
  const [kind, prefix = 0, shortFlags = 0, scope] = body;
  if (kind !== 2 && kind !== 10) return undefined;
  const { family, length } = families[kind];
  const attribute = (wanted: number) => findAttribute(body, addressHeadLength, wanted);
  // On a link between two points IFA_ADDRESS is that of the other end.
  const value = attribute(addressAttributes.local) ?? attribute(addressAttributes.address);
  if (value?.length !== length) return undefined;
  const longFlags = attribute(addressAttributes.flags);
  const flags = longFlags?.length === 4 ? longFlags.readUInt32LE(0) : shortFlags;
  const isMarked = (flags & secondaryOrTemporary) !== 0;
  return {
    family,
    value: BigInt(`0x${value.toString('hex')}`),
    prefix,
    index: body.readUInt32LE(4),
    isGlobal: scope === universe,
    isUnusable: (flags & unusable) !== 0,
    isTemporary: family === 'ipv6' && isMarked,
    isSecondary: family === 'ipv4' && isMarked,
  };
}
