import { readFile } from 'node:fs/promises';
import { AgentError } from '../../errors.ts';
import type { Family } from '../../net/family.ts';

/** The tables that the legacy tools have in this network namespace. */
export type ReadLegacyTables = (family: Family) => Promise<readonly string[]>;

/** Under self: a systemd unit with ProcSubset=pid hides /proc/net, which is a link to it. */
const files: Readonly<Record<Family, string>> = {
  ipv4: '/proc/self/net/ip_tables_names',
  ipv6: '/proc/self/net/ip6_tables_names',
};

/** Reads the kernel's list, which creates no table and loads no module. Throws AgentError NO_PERMISSION. */
export const readLegacyTables: ReadLegacyTables = async (family) => {
  try {
    return parseLegacyTables(await readFile(files[family], 'utf8'));
  } catch (cause) {
    // The kernel has no legacy tables, or has not loaded the module yet.
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return [];
    throw new AgentError('NO_PERMISSION', `can't read ${files[family]}`, { cause });
  }
};

/** One name a line. */
export function parseLegacyTables(text: string): readonly string[] {
  return text.split('\n').filter((name) => name !== '');
}
