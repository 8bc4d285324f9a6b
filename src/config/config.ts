import { type Cidr, formatAddress } from '../net/cidr.ts';
import { type DnsName, isName } from '../net/dns-name.ts';
import type { NodeAddress } from '../net/node-address.ts';
import type { OutputText } from './entries.ts';
import type { OutputAddress } from './output-addresses.ts';
import type { Position, Source } from './source.ts';

/** A value together with the place that set it. */
export interface Sourced<T> {
  readonly value: T;
  readonly source: Source;
}

/** What stands for destinations: a network, or a name for the addresses that it has. */
export type Destination = Cidr | DnsName;

/** The effective configuration: every file merged, every default filled in. Lists keep the order and the duplicates of the files. */
export interface Config {
  readonly nonMasqueradeCIDRs: readonly Sourced<Destination>[];
  readonly nonMasqueradeSrcCIDRs: readonly Sourced<Cidr>[];
  readonly forceMasqueradeCIDRs: readonly Sourced<Destination>[];
  readonly masqueradeSrcCIDRs: readonly Sourced<Cidr>[];
  readonly masqLinkLocal: Sourced<boolean>;
  readonly masqLinkLocalIPv6: Sourced<boolean>;
  readonly masqOutBound: Sourced<boolean>;
  readonly masqOutBoundIPv6: Sourced<boolean>;
  readonly cidrLimit: Sourced<number>;
  /** Which live connections are forgotten after a change of the policy that judges them otherwise. */
  readonly rejudgeConnections: Sourced<RejudgeConnections>;
  /** Which address masqueraded connections get, the first that matches; without one, that of the interface they leave by. */
  readonly outputAddresses: readonly OutputAddress[];
  /** Milliseconds, at least 1000; may be far longer than a Node timer can wait. */
  readonly resyncIntervalMs: Sourced<number>;
  /** The same interval, exact, as Go prints it. */
  readonly resyncInterval: string;
}

/** Values of `rejudgeConnections`, the mildest first. */
export type RejudgeConnections = 'none' | 'udp' | 'all';

/** The flags that change what a file means. */
export interface ConfigOptions {
  readonly enableIPv6: boolean;
  readonly nomasqAllReservedRanges: boolean;
  /** Whether DNS names may stand among destinations. */
  readonly allowNames: boolean;
}

/** One thing wrong (or odd) with a config, told so that the user can mend it without reading our source. */
export interface Problem {
  /** Absent where the problem is not in a file's text, e.g. an unreadable directory. */
  readonly position?: Position;
  readonly file: string;
  readonly message: string;
  /** The text found there, shortened. */
  readonly found?: string;
  /** What would be valid in its place. */
  readonly expected?: string;
}

/** What reading the config came to. `digest` is the hash of the bytes read: equal digests mean an equal reading. */
export type ConfigReading =
  | {
      readonly ok: true;
      readonly config: Config;
      /** The node's addresses at that time, where the config names some and a node is there to ask. */
      readonly nodeAddresses?: readonly NodeAddress[];
      readonly warnings: readonly Problem[];
      readonly files: readonly string[];
      readonly digest: string;
    }
  | {
      readonly ok: false;
      readonly problems: readonly Problem[];
      readonly warnings: readonly Problem[];
      readonly files: readonly string[];
      readonly digest: string;
    };

/** The names among the destinations of a config, each once. */
export function namesIn({ nonMasqueradeCIDRs, forceMasqueradeCIDRs }: Config): readonly string[] {
  const names = [...nonMasqueradeCIDRs, ...forceMasqueradeCIDRs].map(({ value }) => value).filter(isName);
  return [...new Set(names.map(({ text }) => text))];
}

/** The effective config as `validate --output json` and /configz show it: upstream's keys in upstream's order, then ours. */
export function effectiveConfigJson(config: Config): Readonly<Record<string, unknown>> {
  return {
    nonMasqueradeCIDRs: textsOf(config.nonMasqueradeCIDRs),
    cidrLimit: config.cidrLimit.value,
    masqLinkLocal: config.masqLinkLocal.value,
    masqLinkLocalIPv6: config.masqLinkLocalIPv6.value,
    resyncInterval: config.resyncInterval,
    nonMasqueradeSrcCIDRs: textsOf(config.nonMasqueradeSrcCIDRs),
    forceMasqueradeCIDRs: textsOf(config.forceMasqueradeCIDRs),
    masqueradeSrcCIDRs: textsOf(config.masqueradeSrcCIDRs),
    masqOutBound: config.masqOutBound.value,
    masqOutBoundIPv6: config.masqOutBoundIPv6.value,
    rejudgeConnections: config.rejudgeConnections.value,
    outputAddresses: config.outputAddresses.map(outputJson),
  };
}

function outputJson(output: OutputAddress): Readonly<Record<string, unknown>> {
  const { destinations, sources } = output;
  return {
    address: outputText(output),
    ...(destinations.length > 0 ? { destinations: textsOf(destinations) } : {}),
    ...(sources.length > 0 ? { sources: textsOf(sources) } : {}),
  };
}

/** The address of an entry as it was written: one address, or a network in which the node has one. */
export function outputText({ cidr, isNetwork }: OutputText): string {
  return isNetwork ? cidr.text : formatAddress(cidr.family, cidr.network);
}

function textsOf(entries: readonly Sourced<Destination>[]): readonly string[] {
  return entries.map((entry) => entry.value.text);
}
