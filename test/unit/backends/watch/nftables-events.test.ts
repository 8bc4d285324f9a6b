import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  concernsIptables,
  concernsNft,
  isLater,
  parseGeneration,
  parseRuleEvent,
} from '../../../../src/backends/watch/nftables-events.ts';
import { type NetlinkMessage, parseMessages } from '../../../../src/system/netlink-messages.ts';

/** What Linux 6.18 sent while nft 1.0.6 and iptables 1.8.9 changed rules. */
const recorded = z
  .array(z.object({ what: z.string(), datagrams: z.array(z.string()) }))
  .parse(JSON.parse(readFileSync('test/fixtures/netlink/nftables-events.json', 'utf8')))
  .map(({ what, datagrams }) => ({
    what,
    messages: datagrams.flatMap((hex) => parseMessages(Buffer.from(hex, 'hex')).messages),
  }));

const inChain = concernsIptables('IP-MASQ-AGENT');

function eventsOf(messages: readonly NetlinkMessage[]) {
  return messages.map(parseRuleEvent).filter((event) => event !== undefined);
}

describe('recorded events', () => {
  it.each(recorded)('end with the generation and its author: $what', ({ messages }) => {
    const last = messages.at(-1);
    const generation = last && parseGeneration(last);
    expect(generation?.origin?.program).toMatch(/^(nft|(ip6?tables)-nft.*)$/);
    expect(generation?.generation).toBeGreaterThan(0);
    // Recorded in the first pid namespace, where both numbers are of the same kind.
    for (const { port } of messages) expect(port).toBe(generation?.port);
    expect(messages.slice(0, -1).map(parseGeneration)).not.toContainEqual(expect.anything());
  });

  it('count one generation after the other', () => {
    const generations = recorded.map(({ messages }) => messages.map(parseGeneration).at(-1)?.generation ?? 0);
    expect(generations).toEqual(generations.map((_, index) => (generations[0] ?? 0) + index));
  });

  it.each([
    ['a table with chain, set and rule is made by nft', true, false],
    ['an element is added by nft', true, false],
    ['a chain is renamed by nft', true, false],
    ['the table is deleted by nft', true, false],
    ['another table is made by nft', false, false],
    ['chain and jump are made by iptables-nft-restore', false, true],
    ['a chain of kube-proxy is made by iptables-nft-restore', false, false],
    ['a chain of kube-proxy is filled anew by iptables-nft-restore', false, false],
    ['the chain is flushed by iptables-nft', false, true],
    ['the chain is renamed by iptables-nft', false, true],
    ['the jump is deleted by ip6tables-nft', false, true],
  ])('%s: concerns nft %s, iptables-nft %s', (what, nft, iptables) => {
    const events = eventsOf(recorded.find((one) => one.what === what)?.messages ?? []);
    expect(events.length).toBeGreaterThan(0);
    expect([events.some(concernsNft), events.some(inChain)]).toEqual([nft, iptables]);
  });

  it('name table and chain', () => {
    const [made] = recorded;
    expect(eventsOf(made?.messages ?? [])).toContainEqual({
      table: 'inet ip-masq-agent',
      chain: 'postrouting',
      isTable: false,
      isChainUpdate: false,
    });
  });
});

describe('garbage', () => {
  it('of any kind is read without an error', () => {
    const body = fc.uint8Array({ maxLength: 120 }).map((array) => Buffer.from(array));
    const type = fc.integer({ min: 10 << 8, max: (10 << 8) + 40 });
    fc.assert(
      fc.property(type, fc.nat(0xffff), body, (kind, flags, bytes) => {
        const message = { type: kind, flags, sequence: 0, port: 0, body: bytes };
        const event = parseRuleEvent(message);
        if (event) expect(typeof inChain(event)).toBe('boolean');
        parseGeneration(message);
      }),
    );
  });

  it('made from what was recorded, too', () => {
    const messages = recorded.flatMap((one) => one.messages);
    fc.assert(
      fc.property(fc.constantFrom(...messages), fc.nat(), fc.nat(255), fc.nat(), (message, at, value, end) => {
        const body = Buffer.from(message.body.subarray(0, end % (message.body.length + 1)));
        if (body.length > 0) body[at % body.length] = value;
        parseRuleEvent({ ...message, body });
        parseGeneration({ ...message, body });
      }),
    );
  });
});

it('compares generations across the end of 32 bits', () => {
  expect(isLater(2, 1)).toBe(true);
  expect(isLater(1, 1)).toBe(false);
  expect(isLater(1, 0xffff_ffff)).toBe(true);
  expect(isLater(0xffff_ffff, 1)).toBe(false);
});
