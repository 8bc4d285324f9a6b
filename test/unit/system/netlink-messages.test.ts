import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeAttribute,
  encodeMessage,
  errnoOf,
  findAttribute,
  type NetlinkMessage,
  parseMessages,
  textOf,
} from '../../../src/system/netlink-messages.ts';

const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const message: fc.Arbitrary<NetlinkMessage> = fc.record({
  type: u16,
  flags: u16,
  sequence: u32,
  port: u32,
  body: bytes,
});

/** As the kernel packs several into one datagram. */
function packed(messages: readonly NetlinkMessage[]): Buffer {
  return Buffer.concat(
    messages.map(encodeMessage).flatMap((text) => [text, Buffer.alloc(((text.length + 3) & ~3) - text.length)]),
  );
}

describe('parseMessages', () => {
  it('gives back what was encoded', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 5 }), (messages) => {
        expect(parseMessages(packed(messages))).toEqual({ messages, isWhole: true });
      }),
    );
  });

  it('says where something was cut off, and gives what is whole', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 3 }), message, fc.nat(), (messages, last, cut) => {
        const whole = packed(messages);
        const end = encodeMessage(last);
        const data = Buffer.concat([whole, end.subarray(0, 1 + (cut % (end.length - 1)))]);
        expect(parseMessages(data)).toEqual({ messages, isWhole: false });
      }),
    );
  });

  it('takes garbage of any kind, and ends', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), (garbage) => {
        const data = Buffer.from(garbage);
        const { messages } = parseMessages(data);
        expect(messages.reduce((sum, { body }) => sum + 16 + body.length, 0)).toBeLessThanOrEqual(data.length);
      }),
    );
  });
});

describe('findAttribute', () => {
  const attribute = fc.record({ type: fc.integer({ min: 1, max: 0x3fff }), value: bytes });

  it('finds the first of a type, behind whatever comes before', () => {
    fc.assert(
      fc.property(fc.array(attribute, { minLength: 1 }), fc.nat(40), (attributes, offset) => {
        const body = Buffer.concat([
          Buffer.alloc(offset),
          ...attributes.map(({ type, value }) => encodeAttribute(type, value)),
        ]);
        for (const { type } of attributes) {
          const first = attributes.find((one) => one.type === type);
          expect(findAttribute(body, offset, type)).toEqual(first?.value);
        }
      }),
    );
  });

  it('takes garbage of any kind, and ends', () => {
    fc.assert(
      fc.property(bytes, u16, (garbage, type) => {
        const found = findAttribute(garbage, 0, type);
        expect(found?.length ?? 0).toBeLessThanOrEqual(garbage.length);
      }),
    );
  });

  it('does not mind the flags in a type', () => {
    expect(findAttribute(encodeAttribute(0x8005, Buffer.from('x')), 0, 5)).toEqual(Buffer.from('x'));
  });
});

it('reads texts up to their end, and errors as positive numbers', () => {
  expect(textOf(Buffer.from('nat\0\0'))).toBe('nat');
  expect(textOf(Buffer.from('nat'))).toBe('nat');
  expect(textOf(undefined)).toBeUndefined();
  const refused = { type: 2, flags: 0, sequence: 1, port: 1, body: Buffer.from([0xff, 0xff, 0xff, 0xff]) };
  expect(errnoOf(refused)).toBe(1);
  expect(errnoOf({ ...refused, body: Buffer.alloc(0) })).toBe(0);
});
