/**
 * The wire format of netlink(7): messages of a 16-byte header and a body, attributes of a 4-byte header and a value,
 * each padded to 4 bytes. Numbers are in the byte order of the host, which is little-endian wherever Node's packages for
 * this agent exist (x64, arm64); a subsystem may use network order inside its attributes, as nf_tables does.
 */

/** One message; `body` is what follows the header (struct nlmsghdr of linux/netlink.h). */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** The port of the socket that asked for it: usually the id of its process, in the namespace of that process. */
  readonly port: number;
  readonly body: Buffer;
}

/** What is sent: NLM_F_REQUEST, sequence and port are added by the socket. */
export interface NetlinkRequest {
  readonly type: number;
  /** `NLM_F_DUMP`, `NLM_F_CREATE` and the like. */
  readonly flags?: number;
  readonly body: Buffer;
}

export const messageTypes = { noop: 1, error: 2, done: 3 } as const;

/** NLM_F_* of linux/netlink.h. */
export const messageFlags = {
  request: 0x1,
  acknowledge: 0x4,
  /** Of an answer: what it lists has changed meanwhile, and it may lack something. */
  interrupted: 0x10,
  exclusive: 0x200,
  create: 0x400,
  dump: 0x300,
} as const;

const headerLength = 16;
const attributeHeaderLength = 4;
/** NLA_F_NESTED and NLA_F_NET_BYTEORDER are flags in the type of an attribute. */
const attributeTypeMask = 0x3fff;

/** Splits what one read gave. `isWhole` is false where a message was cut short or its length is impossible. */
export function parseMessages(data: Buffer): {
  readonly messages: readonly NetlinkMessage[];
  readonly isWhole: boolean;
} {
  const messages: NetlinkMessage[] = [];
  let offset = 0;
  while (offset < data.length) {
    if (data.length - offset < headerLength) return { messages, isWhole: false };
    const length = data.readUInt32LE(offset);
    if (length < headerLength || length > data.length - offset) return { messages, isWhole: false };
    messages.push({
      type: data.readUInt16LE(offset + 4),
      flags: data.readUInt16LE(offset + 6),
      sequence: data.readUInt32LE(offset + 8),
      port: data.readUInt32LE(offset + 12),
      body: data.subarray(offset + headerLength, offset + length),
    });
    offset += aligned(length);
  }
  return { messages, isWhole: true };
}

export function encodeMessage({ type, flags, sequence, port, body }: NetlinkMessage): Buffer {
  const header = Buffer.alloc(headerLength);
  header.writeUInt32LE(headerLength + body.length, 0);
  header.writeUInt16LE(type, 4);
  header.writeUInt16LE(flags, 6);
  header.writeUInt32LE(sequence, 8);
  header.writeUInt32LE(port, 12);
  return Buffer.concat([header, body]);
}

/** The value of an attribute among those from an offset of a body on; undefined where it is not there, or cut short. */
export function findAttribute(body: Buffer, offset: number, type: number): Buffer | undefined {
  for (let at = offset; body.length - at >= attributeHeaderLength; ) {
    const length = body.readUInt16LE(at);
    if (length < attributeHeaderLength || length > body.length - at) return undefined;
    if ((body.readUInt16LE(at + 2) & attributeTypeMask) === type) {
      return body.subarray(at + attributeHeaderLength, at + length);
    }
    at += aligned(length);
  }
  return undefined;
}

export function encodeAttribute(type: number, value: Buffer): Buffer {
  const length = attributeHeaderLength + value.length;
  const attribute = Buffer.alloc(aligned(length));
  attribute.writeUInt16LE(length, 0);
  attribute.writeUInt16LE(type, 2);
  value.copy(attribute, attributeHeaderLength);
  return attribute;
}

/** A string attribute, which the kernel ends with a NUL. */
export function textOf(value: Buffer | undefined): string | undefined {
  if (value === undefined) return undefined;
  const end = value.indexOf(0);
  return value.toString('utf8', 0, end < 0 ? value.length : end);
}

/** The errno of an NLMSG_ERROR or NLMSG_DONE, positive; 0 for an acknowledgement, and for one that is cut short. */
export function errnoOf({ body }: NetlinkMessage): number {
  return body.length < 4 ? 0 : -body.readInt32LE(0);
}

function aligned(length: number): number {
  return (length + 3) & ~3;
}
