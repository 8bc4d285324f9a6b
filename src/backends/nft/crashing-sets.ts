import { AgentError } from '../../errors.ts';
import type { NetlinkOptions, NetlinkSocket } from '../../system/netlink.ts';
import { findAttribute, messageFlags, type NetlinkMessage, textOf } from '../../system/netlink-messages.ts';
import { nftablesGroup, parseRuleEvent } from '../watch/nftables-events.ts';
import { table as ownTable } from './names.ts';

/**
 * A table of another program with sets or maps that end an older nft by SIGSEGV as soon as it reads the ruleset, which it
 * does for most changes of any other table, too.
 */
export interface CrashingTable {
  /** Family and name, as nft commands spell them. */
  readonly table: string;
  /** The newest nft that is known to crash on it. */
  readonly crashes: NftVersion;
  /** The sets and maps by which that version crashes. */
  readonly sets: readonly string[];
  /** How many more there are that stand in a rule and have no name. */
  readonly anonymous: number;
}

/** Versions of nft, the newer first. nft 1.0.6.1 has the mend of 1.1.2. */
const versions = ['1.1.1', '0.9.8'] as const;
type NftVersion = (typeof versions)[number];

/** NFT_MSG_GETSET, and NFTA_SET_NAME, _FLAGS, _USERDATA, of linux/netfilter/nf_tables.h. */
const setsRequest = { type: (10 << 8) | 10, flags: messageFlags.dump, body: Buffer.alloc(4) } as const;
const attributes = { name: 2, flags: 3, userData: 13 } as const;
/** struct nfgenmsg. */
const headLength = 4;
/** NFT_SET_ANONYMOUS. */
const anonymousFlag = 1;

/** A host with 45,000 services has as many anonymous maps, a few hundred bytes each. */
const dumpMs = 10_000;

/**
 * Asks the kernel for the sets of all tables, without their elements, and finds those by which an older nft crashes. A
 * listing does not show them: nft 1.1.2 and later lists `type ipv4_addr` in the same way whoever wrote it, and what hurts is
 * a note beside the set. Throws AgentError where the kernel can't be asked.
 */
export async function findCrashingTables(
  openNetlink: (options: NetlinkOptions) => Promise<NetlinkSocket>,
): Promise<readonly CrashingTable[]> {
  const socket = await openNetlink({ protocol: nftablesGroup.protocol });
  try {
    const { error, messages } = await socket.request(setsRequest, { timeoutMs: dumpMs });
    if (error === undefined) return crashingTablesIn(messages);
    const code = error === 'EPERM' ? 'NO_PERMISSION' : 'KERNEL_RESOURCE';
    throw new AgentError(code, `netlink: the kernel does not list the sets of nf_tables: ${error}`);
  } finally {
    await socket.close();
  }
}

/** The tables, those first that crash the newest nft. Never throws. */
export function crashingTablesIn(messages: readonly NetlinkMessage[]): readonly CrashingTable[] {
  const found = new Map<string, { crashes: NftVersion; sets: string[]; anonymous: number }>();
  for (const message of messages) {
    const table = parseRuleEvent(message)?.table;
    const crashes = crashedBy(message);
    if (table === undefined || table === ownTable || crashes === undefined) continue;
    let entry = found.get(table);
    if (entry === undefined || isNewer(crashes, entry.crashes)) entry = { crashes, sets: [], anonymous: 0 };
    found.set(table, entry);
    if (entry.crashes !== crashes) continue;
    if (isAnonymous(message)) entry.anonymous++;
    else entry.sets.push(textOf(findAttribute(message.body, headLength, attributes.name)) ?? '');
  }
  return [...found]
    .map(([table, entry]) => ({ table, ...entry }))
    .toSorted((one, other) => versions.indexOf(one.crashes) - versions.indexOf(other.crashes));
}

function isNewer(one: NftVersion, other: NftVersion): boolean {
  return versions.indexOf(one) < versions.indexOf(other);
}

function isAnonymous({ body }: NetlinkMessage): boolean {
  const flags = findAttribute(body, headLength, attributes.flags);
  return flags?.length === 4 && (flags.readUInt32BE(0) & anonymousFlag) !== 0;
}

/** What nft notes beside a set (NFTNL_UDATA_SET_* of libnftnl/udata.h): the expressions of its keys and of its data. */
const notes = { keyTypeof: 3, dataTypeof: 4 } as const;
/** NFTNL_UDATA_SET_TYPEOF_EXPR: the kind of the expression, in the byte order of the host. */
const expressionKind = 0;

/**
 * By the kind of an expression (enum expr_types in nft's expression.h), the newest nft that calls a function that it has
 * not, to read its note. 1.1.2 began to write EXPR_VALUE for what is declared by `type`, 1.0 EXPR_VERDICT for the data of a
 * verdict map. Inside a concatenation neither hurts.
 */
const crashesByKind: ReadonlyMap<number, NftVersion> = new Map([
  [4, '1.1.1'],
  [1, '0.9.8'],
]);

/** The newest nft that crashes when it reads this set. */
function crashedBy({ body }: NetlinkMessage): NftVersion | undefined {
  const userData = findAttribute(body, headLength, attributes.userData);
  if (userData === undefined) return undefined;
  const kinds = [notes.keyTypeof, notes.dataTypeof].map((note) => {
    const expression = findNote(userData, note);
    const kind = expression && findNote(expression, expressionKind);
    return kind?.length === 4 ? kind.readUInt32LE(0) : undefined;
  });
  const crashing = kinds.flatMap((kind) => (kind === undefined ? [] : (crashesByKind.get(kind) ?? [])));
  return versions.find((version) => crashing.includes(version));
}

/** Notes have a type and a length of one byte each before their value. */
function findNote(data: Buffer, type: number): Buffer | undefined {
  for (let at = 0; at + 2 <= data.length; ) {
    const end = at + 2 + data.readUInt8(at + 1);
    if (end > data.length) return undefined;
    if (data.readUInt8(at) === type) return data.subarray(at + 2, end);
    at = end;
  }
  return undefined;
}
