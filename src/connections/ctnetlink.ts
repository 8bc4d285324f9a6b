import { parseAddress } from '../net/address.ts';
import { addressBits } from '../net/family.ts';
import { encodeAttribute, type NetlinkRequest } from '../system/netlink-messages.ts';
import type { Connection, Tuple } from './connection.ts';

/** Messages of ctnetlink: linux/netfilter/nfnetlink.h and nfnetlink_conntrack.h. Its attributes carry big-endian. */
const conntrackSubsystem = 1;
const deleteMessage = 2;
const nestedFlag = 0x8000;

/** Attributes, by the names of the headers without their prefixes. */
const cta = { tupleOrig: 1, id: 12 } as const;
const ctaTuple = { ip: 1, proto: 2 } as const;
const ctaIp = { ipv4: { source: 1, destination: 2 }, ipv6: { source: 3, destination: 4 } } as const;
const ctaProto = {
  number: 1,
  sourcePort: 2,
  destinationPort: 3,
  icmp: { id: 4, type: 5, code: 6 },
  icmpv6: { id: 7, type: 8, code: 9 },
} as const;

const addressFamilies = { ipv4: 2, ipv6: 10 } as const;
const icmpv6Number = 58;

/**
 * The request to delete one entry of the connection table (IPCTNL_MSG_CT_DELETE). The kernel finds it by its original
 * tuple, and refuses with ENOENT where the entry there has another id. Throws RangeError for addresses that are none.
 */
export function deletionRequest({ family, protocolNumber, original, id }: Connection): NetlinkRequest {
  const genericHeader = Buffer.from([addressFamilies[family], 0, 0, 0]);
  const tuple = nested(cta.tupleOrig, [
    nested(ctaTuple.ip, [
      encodeAttribute(ctaIp[family].source, addressBytes(original.source)),
      encodeAttribute(ctaIp[family].destination, addressBytes(original.destination)),
    ]),
    nested(ctaTuple.proto, [
      encodeAttribute(ctaProto.number, Buffer.from([protocolNumber])),
      ...identity(original, protocolNumber),
    ]),
  ]);
  const idBytes = Buffer.alloc(4);
  idBytes.writeUInt32BE(id);
  const body = Buffer.concat([genericHeader, tuple, encodeAttribute(cta.id, idBytes)]);
  return { type: (conntrackSubsystem << 8) | deleteMessage, body };
}

/** What tells connections between two addresses apart. */
function identity({ ports, echo }: Tuple, protocolNumber: number): Buffer[] {
  if (ports) {
    return [
      encodeAttribute(ctaProto.sourcePort, big16(ports.source)),
      encodeAttribute(ctaProto.destinationPort, big16(ports.destination)),
    ];
  }
  if (!echo) return [];
  const names = protocolNumber === icmpv6Number ? ctaProto.icmpv6 : ctaProto.icmp;
  return [
    encodeAttribute(names.code, Buffer.from([echo.code])),
    encodeAttribute(names.type, Buffer.from([echo.type])),
    encodeAttribute(names.id, big16(echo.id)),
  ];
}

function addressBytes(text: string): Buffer {
  const address = parseAddress(text);
  if (!address) throw new RangeError(`not an address: ${text}`);
  return Buffer.from(address.value.toString(16).padStart(addressBits[address.family] / 4, '0'), 'hex');
}

function big16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function nested(type: number, attributes: readonly Buffer[]): Buffer {
  return encodeAttribute(type | nestedFlag, Buffer.concat(attributes));
}
