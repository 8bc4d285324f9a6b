import { readFile } from 'node:fs/promises';
import { AgentError } from '../../errors.ts';
import type { Family } from '../../net/family.ts';
import type { Command, Outcome, Runner } from '../../system/run.ts';
import { iptablesError, isChainAbsent, isIncompatible, isRuleAbsent } from './failure.ts';
import { type Flavour, natTable, postrouting, toolsOf, waitForLock } from './names.ts';
import { type ListedRule, parseRule, rulesIn } from './rule-text.ts';

/** The nat table of one flavour and one family: every effect of this backend. All methods throw AgentError. */
export interface NatTable {
  readonly flavour: Flavour;
  readonly family: Family;

  /** False where looking into the table would create it: the legacy tools make each table that they are asked about. */
  exists(): Promise<boolean>;

  /**
   * The rules in POSTROUTING. Where another program's nft rules make that chain unreadable for iptables, those of
   * `expected` that are there, each once.
   */
  postroutingRules(expected: readonly string[], signal?: AbortSignal): Promise<readonly ListedRule[]>;

  /** The rules in a chain, as listed; undefined where it is absent, or unreadable for iptables. */
  chainRules(chain: string, signal?: AbortSignal): Promise<readonly string[] | undefined>;

  /**
   * Runs one transaction of iptables-restore: all of it or nothing. The signal ends the wait for the xtables lock; the
   * change itself is one system call, which nothing cuts short.
   */
  restore(text: string, signal?: AbortSignal): Promise<void>;
}

export interface NatTableOptions {
  readonly flavour: Flavour;
  readonly family: Family;
  readonly runner: Runner;
  readonly readLegacyTables: ReadLegacyTables;
}

export function createNatTable({ flavour, family, runner, readLegacyTables }: NatTableOptions): NatTable {
  const tools = toolsOf(flavour, family);

  async function run(command: Command, isExpected: (outcome: Outcome) => boolean): Promise<Outcome> {
    const outcome = await runner.run(command);
    if (outcome.exitCode === 0 || isExpected(outcome)) return outcome;
    throw iptablesError(command, outcome);
  }

  const rulesCommand = (args: readonly string[], signal?: AbortSignal): Command => ({
    tool: tools.rules,
    args: [...waitForLock, '-t', natTable, ...args],
    signal,
  });

  async function isThere(rule: string, signal?: AbortSignal): Promise<boolean> {
    const { words } = parseRule(rule);
    const { exitCode } = await run(rulesCommand(['-C', ...words.slice(1)], signal), isRuleAbsent);
    return exitCode === 0;
  }

  return {
    flavour,
    family,

    async exists() {
      return flavour === 'nft' || (await readLegacyTables(family)).includes(natTable);
    },

    async postroutingRules(expected, signal) {
      const command = rulesCommand(['-S', postrouting], signal);
      const { exitCode, stdout } = await run(command, ({ stderr }) => isIncompatible(stderr));
      // What is deleted later is deleted in the words of this listing: no rule of another chain may slip in.
      const listed = rulesIn(stdout).filter((rule) => rule.startsWith(`-A ${postrouting} `));
      if (exitCode === 0) return listed.map(parseRule);
      const found: ListedRule[] = [];
      for (const rule of expected) if (await isThere(rule, signal)) found.push(parseRule(rule));
      return found;
    },

    async chainRules(chain, signal) {
      const { exitCode, stdout } = await run(rulesCommand(['-S', chain], signal), isChainAbsent);
      return exitCode === 0 ? rulesIn(stdout) : undefined;
    },

    async restore(text, signal) {
      const command = { tool: tools.restore, args: restoreArguments, input: text, timeoutMs: restoreTimeoutMs, signal };
      await run(command, () => false);
    },
  };
}

/** 100,000 rules take 2 s on a fast machine, and they are no reason to kill the tool on a slow one. */
const restoreTimeoutMs = 120_000;

/** Without --noflush the other chains of the table would go. */
export const restoreArguments: readonly string[] = [...waitForLock, '--noflush'];

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
