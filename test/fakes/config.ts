import type { AcceptedConfig, RejectedConfig } from '../../src/agent/events.ts';
import type { Config, Sourced } from '../../src/config/config.ts';
import { type Cidr, parseCidr } from '../../src/net/cidr.ts';
import { buildPolicy } from '../../src/policy/build.ts';
import type { Policy } from '../../src/policy/policy.ts';

/** A config that keeps these destinations; each stands in a line of its own of the file. */
export function configKeeping(cidrs: readonly string[], file = 'ip-masq-agent'): Config {
  const value = <T>(value: T) => ({ value, source: 'default' as const });
  return {
    nonMasqueradeCIDRs: cidrs.map((text, index) => sourced(text, file, index + 2)),
    nonMasqueradeSrcCIDRs: [],
    forceMasqueradeCIDRs: [],
    masqueradeSrcCIDRs: [],
    masqLinkLocal: value(false),
    masqLinkLocalIPv6: value(false),
    masqOutBound: value(true),
    masqOutBoundIPv6: value(true),
    cidrLimit: value(64),
    rejudgeConnections: value('none'),
    outputAddresses: [],
    resyncIntervalMs: value(60_000),
    resyncInterval: '1m0s',
  };
}

function sourced(text: string, file: string, line: number): Sourced<Cidr> {
  const cidr = parseCidr(text);
  if (!cidr) throw new Error(`${text} is no CIDR`);
  return { value: cidr, source: { file, line, column: 3 } };
}

/** What reading such a config comes to. The digest has the form of a real one. */
export function accepted(cidrs: readonly string[], files: readonly string[] = ['ip-masq-agent']): AcceptedConfig {
  const digest = Buffer.from(cidrs.join()).toString('hex').padEnd(64, '0').slice(0, 64);
  return { ok: true, config: configKeeping(cidrs, files[0]), warnings: [], files, digest };
}

/** What reading a bad config comes to. */
export function rejected(...messages: string[]): RejectedConfig {
  const problems = messages.map((message, index) => ({
    file: 'ip-masq-agent',
    position: { file: 'ip-masq-agent', line: index + 1, column: 5 },
    message,
  }));
  return { ok: false, problems, warnings: [], files: ['ip-masq-agent'], digest: messages.join() };
}

/** The policy of such a config, with IPv6 on. */
export function policyKeeping(...cidrs: string[]): Policy {
  return buildPolicy(configKeeping(cidrs), { enableIPv6: true, randomFully: true, toPorts: [] });
}
