import { codeOf } from '../../errors.ts';
import { type Family, families } from '../../net/family.ts';
import type { Runner } from '../../system/run.ts';
import { type Flavour, toolsOf, waitForLock } from './names.ts';
import type { ReadLegacyTables } from './nat-table.ts';

/** A chain of the kubelet's, and so the flavour in which this host's Kubernetes keeps its rules. */
export interface KubeletHint {
  readonly flavour: Flavour;
  readonly family: Family;
  readonly chain: string;
}

/** The kubelet makes at least one of these, always in mangle, since Kubernetes 1.17. */
const hintTable = 'mangle';
const hintChains = ['KUBE-IPTABLES-HINT', 'KUBE-KUBELET-CANARY'];

/**
 * Looks for the kubelet's chains as iptables-wrappers does: in the nft flavour first, then in legacy, IPv4 before IPv6,
 * taking every failure for "not there". It asks for the chains by name, where iptables-wrappers reads whole tables.
 * Throws AgentError ABORTED only.
 */
export async function findKubeletHint(
  runner: Runner,
  readLegacyTables: ReadLegacyTables,
  signal?: AbortSignal,
): Promise<KubeletHint | undefined> {
  for (const flavour of ['nft', 'legacy'] as const) {
    for (const family of families) {
      // Asking the legacy tools for a table that does not exist would create it.
      if (
        flavour === 'legacy' &&
        !(await readLegacyTables(family).catch((): readonly string[] => [])).includes(hintTable)
      )
        continue;
      for (const chain of hintChains) {
        const args = [...waitForLock, '-t', hintTable, '-S', chain];
        if (await succeeds(runner, toolsOf(flavour, family).rules, args, signal)) return { flavour, family, chain };
      }
    }
  }
  return undefined;
}

async function succeeds(runner: Runner, tool: string, args: readonly string[], signal?: AbortSignal): Promise<boolean> {
  try {
    return (await runner.run({ tool, args, signal })).exitCode === 0;
  } catch (error) {
    if (codeOf(error) === 'ABORTED') throw error;
    return false;
  }
}
