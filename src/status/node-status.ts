import type { AttemptResults } from '../backends/attempt.ts';
import type { Backend, BackendName, Observation } from '../backends/backend.ts';
import type { ForeignRule, ForeignRules } from '../backends/foreign/foreign-masquerade.ts';
import { type DestinationList, type HeldDestinations, withHeldDestinations } from '../backends/held-destinations.ts';
import type { Leftovers } from '../backends/leftovers.ts';
import type { CrashingTable } from '../backends/nft/crashing-sets.ts';
import type { ConfigReading, Destination, Sourced } from '../config/config.ts';
import { formatProblem } from '../config/problems.ts';
import { describeSource } from '../config/source.ts';
import type { AgentError } from '../errors.ts';
import type { NameAnswer } from '../names/name-watch.ts';
import { isName } from '../net/dns-name.ts';
import { families } from '../net/family.ts';
import { describeOutput } from '../policy/changes.ts';
import { type EntryCount, entryCounts, type IdleOutput, type Policy } from '../policy/policy.ts';
import { type NamesReport, namesReportOf } from '../telemetry/agent-names.ts';
import type { AgentReport } from '../telemetry/agent-report.ts';

/** An agent that runs in this network. */
export interface RunningAgent {
  readonly pid: number;
  readonly startedAt: string;
  /** Its flags, as they were given. */
  readonly args: readonly string[];
  /** What it says of itself, or why it does not. */
  readonly report: AgentReport | string;
}

/** What there is on this node, as plain data and as such the JSON of `status --output json`. */
export interface NodeStatus {
  /**
   * `in-sync`: the kernel holds what it is compared with, and nothing of ours beside it. `unknown`: the config is
   * invalid, and there is no running agent whose last good one could be asked for.
   */
  readonly state: Observation['state'] | 'unknown';
  /** What the kernel is compared with: the config on disk or, where that is invalid, the running agent's last good one. */
  readonly comparedWith: 'config' | 'last-good-config' | null;
  /** The flags with which the config was read, where they are those of a running agent. */
  readonly flagsOf: number | null;
  readonly backend: { readonly name: BackendName; readonly reason: string };
  /** How the rules in that backend differ from what the config asks for. */
  readonly differences: readonly string[];
  readonly config: {
    readonly path: string;
    readonly valid: boolean;
    readonly files: readonly string[];
    readonly digest: string;
    readonly problems: readonly string[];
    readonly warnings: readonly string[];
  };
  readonly entries: readonly EntryCount[];
  /** What the names in the config stand for, as the running agent says. */
  readonly names: NamesReport['names'];
  /** The names that it does not know, or can't be asked about. */
  readonly unknownNames: readonly string[];
  /** The node's addresses that masqueraded connections get, in order, and the entries of the config that name none. */
  readonly outputAddresses: { readonly inUse: readonly string[]; readonly idle: readonly string[] };
  /** What this agent, or another one that does the same, left elsewhere; `failures` says what could not be searched. */
  readonly leftovers: { readonly found: readonly string[]; readonly failures: readonly string[] };
  /** Rules of other programs that masquerade what this agent keeps; null where it is not known what it keeps. */
  readonly foreign: {
    readonly found: readonly ForeignRule[];
    readonly failures: readonly string[];
    readonly complete: boolean;
  } | null;
  /** Tables of other programs that make an older nft crash; such a one may be on the host or in any of its containers. */
  readonly crashing: { readonly found: readonly CrashingTable[]; readonly failures: readonly string[] };
  readonly agents: readonly RunningAgent[];
}

/** Where to look, so that tests need no host. */
export interface StatusSources {
  readonly configPath: string;
  readonly reading: ConfigReading;
  /** The policy of the config; undefined where that is invalid. */
  readonly policy: Policy | undefined;
  /** The policy that the running agent keeps in force meanwhile; undefined where it can't be asked. */
  readonly names: readonly NameAnswer[];
  readonly unknownNames: readonly string[];
  readonly lastGoodPolicy: () => Promise<Policy | undefined>;
  readonly backend: Pick<Backend, 'name' | 'observe'>;
  readonly backendReason: string;
  /** What the lists in which names may stand have in the kernel. */
  readonly readHeld: () => Promise<readonly HeldDestinations[]>;
  readonly findLeftovers: () => Promise<Leftovers>;
  readonly findForeign: (policy: Policy) => Promise<ForeignRules>;
  readonly findCrashing: () => Promise<AttemptResults<CrashingTable>>;
  readonly agents: readonly RunningAgent[];
  readonly flagsOf: number | null;
}

/** Looks, and changes nothing. Throws AgentError where the backend can't be read. */
export async function gatherNodeStatus(sources: StatusSources): Promise<NodeStatus> {
  const { reading, backend, agents, flagsOf } = sources;
  const policy = sources.policy ?? (await sources.lastGoodPolicy());
  const rules = policy && (await backend.observe(await withUnknownNames(policy, sources)));
  const leftovers = await sources.findLeftovers();
  const foreign = policy && (await sources.findForeign(policy));
  const crashing = await sources.findCrashing();
  return {
    state: stateOf(rules, leftovers),
    comparedWith: policy ? (sources.policy ? 'config' : 'last-good-config') : null,
    flagsOf,
    backend: { name: backend.name, reason: sources.backendReason },
    differences: rules?.differences ?? [],
    config: {
      path: sources.configPath,
      valid: reading.ok,
      files: reading.files,
      digest: reading.digest,
      problems: reading.ok ? [] : reading.problems.map(formatProblem),
      warnings: reading.warnings.map(formatProblem),
    },
    entries: policy ? entryCounts(policy) : [],
    ...namesReportOf(sources.names),
    unknownNames: sources.unknownNames,
    outputAddresses: {
      inUse: policy ? families.flatMap((family) => policy[family].outputs.map(describeOutput)) : [],
      idle: policy?.idleOutputs.map(describeIdleOutput) ?? [],
    },
    leftovers: { found: leftovers.found, failures: leftovers.failures.map(describeError) },
    foreign: foreign
      ? { found: foreign.found, failures: foreign.failures.map(describeError), complete: foreign.complete }
      : null,
    crashing: { found: crashing.found, failures: crashing.failures.map(describeError) },
    agents,
  };
}

/** Nobody can say what an unknown name stands for, so what the kernel has in its place is no drift. */
async function withUnknownNames(policy: Policy, { reading, readHeld, unknownNames }: StatusSources): Promise<Policy> {
  if (!reading.ok || unknownNames.length === 0) return policy;
  const { forceMasqueradeCIDRs, nonMasqueradeCIDRs } = reading.config;
  const hasUnknown = (list: readonly Sourced<Destination>[]): boolean =>
    list.some(({ value }) => isName(value) && unknownNames.includes(value.text));
  const lists = new Set<DestinationList>([
    ...(hasUnknown(forceMasqueradeCIDRs) ? (['forceMasquerade'] as const) : []),
    ...(hasUnknown(nonMasqueradeCIDRs) ? (['keepDestinations'] as const) : []),
  ]);
  return withHeldDestinations(policy, lists, await readHeld());
}

/** Rules left elsewhere masquerade too, so with them the kernel does not do what the config asks for. */
function stateOf(rules: Observation | undefined, leftovers: Leftovers): NodeStatus['state'] {
  if (!rules) return 'unknown';
  return rules.state === 'in-sync' && leftovers.found.length > 0 ? 'drifted' : rules.state;
}

function describeIdleOutput({ text, reason, source }: IdleOutput): string {
  return `${text} (${describeSource(source)}): ${reason}`;
}

function describeError({ code, message }: AgentError): string {
  return `${code}: ${message}`;
}
