import { sha256 } from '../../digest.ts';
import type { Family } from '../../net/family.ts';

/** Which of the kernel's two implementations the iptables tools drive. */
export type Flavour = 'nft' | 'legacy';

/** The tools of one flavour and family. Tools with the flavour in their names are iptables 1.8.0 or later. */
export interface Tools {
  readonly rules: string;
  readonly restore: string;
}

export function toolsOf(flavour: Flavour, family: Family): Tools {
  const rules = `${family === 'ipv4' ? 'iptables' : 'ip6tables'}-${flavour}`;
  return { rules, restore: `${rules}-restore` };
}

export const natTable = 'nat';
export const postrouting = 'POSTROUTING';

/** Seconds a tool waits for the xtables lock, as Kubernetes' own callers do. The nft flavour needs no lock. */
export const lockWaitSeconds = 5;
export const waitForLock = ['-w', String(lockWaitSeconds)] as const;

/** The comments on the rules. The first three are upstream's, to the letter; the others mark what upstream does not have. */
export const comments = {
  jump: (chain: string): string =>
    `ip-masq-agent: ensure nat POSTROUTING directs all non-LOCAL destination traffic to our custom ${chain} chain`,
  keepDestination: 'ip-masq-agent: local traffic is not subject to MASQUERADE',
  masquerade: 'ip-masq-agent: outbound traffic is subject to MASQUERADE (must be last in chain)',
  masqueradeSource: 'ip-masq-agent: only these sources are subject to MASQUERADE',
  forceMasquerade: 'ip-masq-agent: this destination is always subject to MASQUERADE',
  outboundOff: 'ip-masq-agent: other outbound traffic is not subject to MASQUERADE',
  keepSource: 'ip-masq-agent: this source is not subject to MASQUERADE',
  output: 'ip-masq-agent: outbound traffic gets this address',
} as const;

/** Chains beside the main one, for lists that upstream does not have. They exist only while such a list has entries. */
export interface HelperChains {
  /** Where the sources that may be masqueraded go on. */
  readonly sources: string;
  /** Masquerades, with the port ranges. */
  readonly masquerade: string;
}

/** Longest name of a chain (XT_EXTENSION_MAXNAMELEN of x_tables.h, less the final NUL). */
const maxChainLength = 28;
const hashLength = 8;

/** Whether a name may be one of ours, today's or an earlier agent's, and may go into a command. */
export function isChainName(name: string): boolean {
  return name.length <= maxChainLength && /^[A-Za-z0-9_][\w.-]*$/.test(name);
}

/** The helpers of a main chain. --masq-chain allows no dot, so that no main chain can be called like a helper. */
export function helperChains(chain: string): HelperChains {
  return { sources: helperName(chain, '.SRC'), masquerade: helperName(chain, '.MASQ') };
}

function helperName(chain: string, suffix: string): string {
  if (chain.length + suffix.length <= maxChainLength) return `${chain}${suffix}`;
  const hash = sha256(chain).slice(0, hashLength);
  return `${chain.slice(0, maxChainLength - suffix.length - hashLength - 1)}.${hash}${suffix}`;
}
