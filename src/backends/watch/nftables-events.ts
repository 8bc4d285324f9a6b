import { findAttribute, messageFlags, type NetlinkMessage, textOf } from '../../system/netlink-messages.ts';
import type { Origin } from '../change-watch.ts';
import { helperChains, natTable, postrouting } from '../iptables/names.ts';
import { table as ownTable } from '../nft/names.ts';

/** NETLINK_NETFILTER and NFNLGRP_NFTABLES, of linux/netlink.h and linux/netfilter/nfnetlink.h. */
export const nftablesGroup = { protocol: 12, groups: [7] } as const;

/** NFNL_SUBSYS_NFTABLES; the upper half of a message's type. */
const subsystem = 10 << 8;
/** NFT_MSG_* of linux/netfilter/nf_tables.h. */
const kinds = {
  newTable: 0,
  delTable: 2,
  newChain: 3,
  delChain: 5,
  newRule: 6,
  delRule: 8,
  newGen: 15,
  getGen: 16,
} as const;
/** struct nfgenmsg: family u8, version u8, resource u16. */
const headLength = 4;
/** NFTA_*_TABLE is 1 in every kind of message; NFTA_RULE_CHAIN, NFTA_CHAIN_NAME; NFTA_GEN_ID, _PROC_PID, _PROC_NAME. */
const attributes = { table: 1, ruleChain: 2, chainName: 3, generation: 1, pid: 2, program: 3 } as const;

/** NFPROTO_* of linux/netfilter.h, as nft spells them. */
const familyNames: Readonly<Record<number, string>> = {
  1: 'inet',
  2: 'ip',
  3: 'arp',
  5: 'netdev',
  7: 'bridge',
  10: 'ip6',
};

/** One object of a ruleset was made, changed or removed. */
export interface RuleEvent {
  /** Family and name of its table, as nft commands spell them. */
  readonly table: string;
  /** The chain that it is, or that it is a rule of. */
  readonly chain: string | undefined;
  readonly isTable: boolean;
  /** A chain was given another name, policy or device: a name that was ours may be gone. */
  readonly isChainUpdate: boolean;
}

/** A transaction is complete. Its events came before. */
export interface GenerationEvent {
  readonly generation: number;
  readonly port: number;
  readonly origin: Origin | undefined;
}

/** Asks for the number of the ruleset's generation, which every transaction makes one higher. */
export const generationRequest = { type: subsystem | kinds.getGen, body: Buffer.alloc(headLength) } as const;

/** Reads the event about an object; undefined where the message is another. Never throws. */
export function parseRuleEvent({ type, flags, body }: NetlinkMessage): RuleEvent | undefined {
  const kind = type - subsystem;
  if (kind < 0 || kind > 0xff || kind === kinds.newGen || body.length < headLength) return undefined;
  const table = textOf(findAttribute(body, headLength, attributes.table));
  if (table === undefined) return undefined;
  const isRule = kind === kinds.newRule || kind === kinds.delRule;
  const isChain = kind === kinds.newChain || kind === kinds.delChain;
  const chainAttribute = isRule ? attributes.ruleChain : attributes.chainName;
  return {
    table: `${familyNames[body[0] ?? 0] ?? body[0]} ${table}`,
    chain: isRule || isChain ? textOf(findAttribute(body, headLength, chainAttribute)) : undefined,
    isTable: kind === kinds.newTable || kind === kinds.delTable,
    isChainUpdate: kind === kinds.newChain && (flags & creation) === 0,
  };
}

/** Reads the end of a transaction, or the answer to `generationRequest`. Never throws. */
export function parseGeneration({ type, port, body }: NetlinkMessage): GenerationEvent | undefined {
  if (type !== (subsystem | kinds.newGen)) return undefined;
  const generation = bigEndian(findAttribute(body, headLength, attributes.generation));
  if (generation === undefined) return undefined;
  const pid = bigEndian(findAttribute(body, headLength, attributes.pid));
  const program = textOf(findAttribute(body, headLength, attributes.program));
  return { generation, port, origin: pid === undefined ? undefined : { pid, program: program ?? 'unknown' } };
}

/** nft makes chains with NLM_F_CREATE, iptables-nft-restore with NLM_F_EXCL. Kernels before 5.14 leave both out. */
const creation = messageFlags.create | messageFlags.exclusive;

/** Whether one generation is later than another; the numbers wrap at 32 bits. */
export function isLater(generation: number, than: number): boolean {
  return ((generation - than) | 0) > 0;
}

/** Whether an event is about what a backend owns, or depends on. */
export type Concerns = (event: RuleEvent) => boolean;

/** The nft backend owns a table. */
export const concernsNft: Concerns = ({ table }) => table === ownTable;

/**
 * iptables-nft shares the nat tables with kube-proxy, which changes its chains all the time: only ours, the one that ours
 * is called from, and what may do away with them, count.
 */
export function concernsIptables(chain: string): Concerns {
  const chains = new Set([postrouting, chain, ...Object.values(helperChains(chain))]);
  const tables = new Set([`ip ${natTable}`, `ip6 ${natTable}`]);
  return (event) =>
    tables.has(event.table) &&
    (event.isTable || event.isChainUpdate || (event.chain !== undefined && chains.has(event.chain)));
}

function bigEndian(value: Buffer | undefined): number | undefined {
  return value?.length === 4 ? value.readUInt32BE(0) : undefined;
}
