import type { Backend } from '../../src/backends/backend.ts';
import { createIptablesBackend } from '../../src/backends/iptables/backend.ts';
import type { Flavour } from '../../src/backends/iptables/names.ts';
import { parseLegacyTables, type ReadLegacyTables } from '../../src/backends/iptables/nat-table.ts';
import type { Family } from '../../src/net/family.ts';
import type { Runner } from '../../src/system/run.ts';
import { type Namespace, namespaceRunner } from './harness/namespace.ts';

export const flavours: readonly Flavour[] = ['nft', 'legacy'];

/** The legacy tables of a namespace, as the agent reads its own. */
export function legacyTablesOf(node: Namespace): ReadLegacyTables {
  return async (family) =>
    parseLegacyTables(await node.run('cat', `/proc/net/${family === 'ipv4' ? 'ip' : 'ip6'}_tables_names`));
}

/** A backend whose tools act on the namespace. */
export function iptablesBackendOn(
  node: Namespace,
  flavour: Flavour,
  chain = 'IP-MASQ-AGENT',
  runner: Runner = namespaceRunner(node),
): Backend {
  return createIptablesBackend({
    flavour,
    chain,
    runner,
    readLegacyTables: legacyTablesOf(node),
  });
}

/** The rules and user chains of the nat table, as iptables-save prints them. */
export async function natTableOf(node: Namespace, flavour: Flavour, family: Family): Promise<readonly string[]> {
  const saved = await node.run(`${toolOf(flavour, family)}-save`, '-t', 'nat');
  return saved.split('\n').filter((line) => line.startsWith('-A ') || /^:\S+ - /.test(line));
}

export function toolOf(flavour: Flavour, family: Family): string {
  return `${family === 'ipv4' ? 'iptables' : 'ip6tables'}-${flavour}`;
}

/** One transaction made by somebody else in the nat table, in the lines of iptables-restore. */
export async function changeNatTable(
  node: Namespace,
  flavour: Flavour,
  family: Family,
  ...lines: readonly string[]
): Promise<void> {
  await changeTable(node, toolOf(flavour, family), 'nat', ...lines);
}

/** The same in any table, by the tool of a flavour and family. */
export async function changeTable(
  node: Namespace,
  tool: string,
  table: string,
  ...lines: readonly string[]
): Promise<void> {
  const text = `${[`*${table}`, ...lines, 'COMMIT'].join('\n')}\n`;
  await node.feed(text, `${tool}-restore`, '--noflush');
}
