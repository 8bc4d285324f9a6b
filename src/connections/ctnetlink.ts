import { endianness } from 'node:os';
import { parseAddress } from '../net/address.ts';
import { addressBits } from '../net/family.ts';
import type { Connection, Tuple } from './connection.ts';

/**
 * Messages of ctnetlink: linux/netlink.h, linux/netfilter/nfnetlink.h and nfnetlink_conntrack.h. Lengths, types and
 * flags are in the byte order of the host; what the attributes carry is big-endian.
 */
const conntrackSubsystem = 1;
const deleteMessage = 2;
const nestedFlag = 0x8000;

/** A request without the header that every netlink message has. */
export interface NetfilterRequest {
  readonly type: number;
  readonly body: Buffer;
}

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

const isLittleEndian = endianness() === 'LE';

/**
 * The request to delete one entry of the connection table (IPCTNL_MSG_CT_DELETE). The kernel finds it by its original
 * tuple, and refuses with ENOENT where the entry there has another id. Throws RangeError for addresses that are none.
 */
export function deletionRequest({ family, protocolNumber, original, id }: Connection): NetfilterRequest {
  const genericHeader = Buffer.from([addressFamilies[family], 0, 0, 0]);
  const tuple = nested(cta.tupleOrig, [
    nested(ctaTuple.ip, [
      attribute(ctaIp[family].source, addressBytes(original.source)),
      attribute(ctaIp[family].destination, addressBytes(original.destination)),
    ]),
    nested(ctaTuple.proto, [
      attribute(ctaProto.number, Buffer.from([protocolNumber])),
      ...identity(original, protocolNumber),
    ]),
  ]);
  const idBytes = Buffer.alloc(4);
  idBytes.writeUInt32BE(id);
  const body = Buffer.concat([genericHeader, tuple, attribute(cta.id, idBytes)]);
  return { type: (conntrackSubsystem << 8) | deleteMessage, body };
}

/** What tells connections between two addresses apart. */
function identity({ ports, echo }: Tuple, protocolNumber: number): Buffer[] {
  if (ports) {
    return [
      attribute(ctaProto.sourcePort, big16(ports.source)),
      attribute(ctaProto.destinationPort, big16(ports.destination)),
    ];
  }
  if (!echo) return [];
  const names = protocolNumber === icmpv6Number ? ctaProto.icmpv6 : ctaProto.icmp;
  return [
    attribute(names.code, Buffer.from([echo.code])),
    attribute(names.type, Buffer.from([echo.type])),
    attribute(names.id, big16(echo.id)),
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

/** An attribute: its length without the padding, its type, what it carries, and zeros up to a multiple of 4. */
function attribute(type: number, content: Uint8Array): Buffer {
  const length = 4 + content.length;
  const bytes = Buffer.alloc((length + 3) & ~3);
  writeHost16(bytes, length, 0);
  writeHost16(bytes, type, 2);
  bytes.set(content, 4);
  return bytes;
}

function nested(type: number, attributes: readonly Uint8Array[]): Buffer {
  return attribute(type | nestedFlag, Buffer.concat(attributes));
}

function writeHost16(bytes: Buffer, value: number, offset: number): void {
  if (isLittleEndian) bytes.writeUInt16LE(value, offset);
  else bytes.writeUInt16BE(value, offset);
}
