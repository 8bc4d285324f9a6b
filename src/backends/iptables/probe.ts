import { asAgentError, codeOf } from '../../errors.ts';
import { emptyFamilyPolicy } from '../../policy/policy.ts';
import type { Command, Runner } from '../../system/run.ts';
import type { Probe } from '../backend.ts';
import { desiredChains } from './desired.ts';
import { iptablesError } from './failure.ts';
import { type Flavour, natTable, postrouting, toolsOf, waitForLock } from './names.ts';
import type { ReadLegacyTables } from './nat-table.ts';
import { restoreArguments } from './nat-table.ts';
import { emptyState, renderRestore } from './render.ts';

export interface ProbeOptions {
  readonly flavour: Flavour;
  readonly chain: string;
  readonly runner: Runner;
  readonly readLegacyTables: ReadLegacyTables;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds out whether the tools of a flavour work on this kernel, by IPv4, without creating a table or loading a module.
 * Never throws: a failure is the reason why it is not usable.
 */
export async function probeFlavour(options: ProbeOptions): Promise<Probe> {
  try {
    return await (options.flavour === 'nft' ? probeNft(options) : probeLegacy(options));
  } catch (error) {
    const { message } = asAgentError(error);
    // The tools work; somebody else is using them just now.
    if (/holding the xtables lock/.test(message)) return { usable: true, reason: 'the xtables lock is held just now' };
    return { usable: false, reason: message };
  }
}

/** The smallest policy with every extension that all rulesets use: addrtype, comment, MASQUERADE --random-fully. */
const probePolicy = emptyFamilyPolicy('ipv4');

/** `--test` asks the kernel for its generation and for each extension, and commits nothing. */
async function probeNft({ runner, chain, signal }: ProbeOptions): Promise<Probe> {
  const desired = desiredChains(probePolicy, { randomFully: true, toPorts: [] }, chain);
  const command: Command = {
    tool: toolsOf('nft', 'ipv4').restore,
    args: [...restoreArguments, '--test'],
    input: renderRestore(desired, emptyState),
    signal,
  };
  const outcome = await runner.run(command);
  if (outcome.exitCode !== 0 || /kernel module/.test(outcome.stderr)) throw iptablesError(command, outcome);
  return { usable: true, reason: 'iptables-nft-restore --test accepts the rules' };
}

/** No kernel module will ever be called so; 31 characters at most. */
const absentTable = 'ip-masq-agent-probe';

/**
 * Any question about a table creates it. Where nat is there already, it may be read; else the kernel is asked for a
 * table that can't exist, and --modprobe keeps the tool from loading ip_tables for that.
 */
async function probeLegacy({ runner, readLegacyTables, signal }: ProbeOptions): Promise<Probe> {
  const tool = toolsOf('legacy', 'ipv4').rules;
  const exists = (await readLegacyTables('ipv4')).includes(natTable);
  const question = exists ? ['-t', natTable, '-S', postrouting] : ['--modprobe=/bin/true', '-t', absentTable, '-S'];
  const command: Command = { tool, args: [...waitForLock, ...question], signal };
  const outcome = await runner.run(command);
  if (exists && outcome.exitCode === 0) return { usable: true, reason: 'iptables-legacy reads its nat table' };
  if (!exists && /Table does not exist/.test(outcome.stderr)) {
    return { usable: true, reason: 'the kernel answers iptables-legacy' };
  }
  const error = iptablesError(command, outcome);
  if (error.code === 'KERNEL_UNSUPPORTED' && (await canLoadModule(runner, signal))) {
    return { usable: true, reason: 'the kernel module iptable_nat is not loaded, but can be' };
  }
  throw error;
}

/** Whether the module is installed; --dry-run loads nothing. */
async function canLoadModule(runner: Runner, signal?: AbortSignal): Promise<boolean> {
  try {
    const { exitCode } = await runner.run({ tool: 'modprobe', args: ['--dry-run', '--quiet', 'iptable_nat'], signal });
    return exitCode === 0;
  } catch (error) {
    if (codeOf(error) === 'TOOL_MISSING') return false;
    throw error;
  }
}
