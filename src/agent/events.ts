import type { BackendName } from '../backends/backend.ts';
import type { Origin } from '../backends/change-watch.ts';
import type { ForeignRules } from '../backends/foreign/foreign-masquerade.ts';
import type { ConfigReading, Problem } from '../config/config.ts';
import type { ConnectionReport } from '../connections/census.ts';
import type { RejudgeMode } from '../connections/rejudge.ts';
import type { AgentError } from '../errors.ts';
import type { NameAnswer } from '../names/name-watch.ts';
import type { FlipSummary } from '../policy/diff.ts';
import type { Policy } from '../policy/policy.ts';

/** What made the agent look at config and kernel. */
export type Trigger =
  | 'start'
  | 'config-change'
  | 'name-change'
  | 'address-change'
  | 'resync'
  | 'signal'
  | 'retry'
  | 'foreign-change';

export type AcceptedConfig = Extract<ConfigReading, { ok: true }>;
export type RejectedConfig = Extract<ConfigReading, { ok: false }>;

/** Why rules were written: there were none to go by, the policy is another one, or somebody had changed them. */
export type Cause = 'first' | 'policy-change' | 'drift';

/** Failures in a row that have come to an end, and how long they lasted. */
export interface Recovery {
  readonly failures: number;
  readonly forMs: number;
}

/** What happens in the agent, as data. Logs and metrics are made from these, and nothing else. */
export type AgentEvent =
  | {
      readonly type: 'started';
      readonly version: string;
      readonly backend: BackendName;
      readonly reason: string;
      readonly configPath: string;
    }
  /** The config was read and differs from the one before. */
  | { readonly type: 'config-accepted'; readonly reading: AcceptedConfig }
  /** Told once per content. `policyKept`: rules of an earlier good config stay in force. */
  | { readonly type: 'config-rejected'; readonly reading: RejectedConfig; readonly policyKept: boolean }
  /** What DNS has said of the names in the config so far; told when that changes. */
  | { readonly type: 'names'; readonly answers: readonly NameAnswer[] }
  /** The rules that were found in the kernel stay until these names are answered, or nobody need wait any more. */
  | { readonly type: 'names-awaited'; readonly names: readonly string[] }
  /** The kernel was brought to the policy. `differences` is what was wrong with the kernel before. */
  | {
      readonly type: 'applied';
      readonly trigger: Trigger;
      readonly cause: Cause;
      readonly policy: Policy;
      readonly previous: Policy | undefined;
      readonly differences: readonly string[];
      /** What a new policy judges otherwise than the one before. */
      readonly flips?: FlipSummary | undefined;
      /** Who changed the rules that had to be repaired, as far as that is known. */
      readonly origin?: Origin | undefined;
      readonly recovery?: Recovery | undefined;
      readonly durationMs: number;
    }
  /** Somebody undoes our repairs again and again: foreign changes are not answered at once any more, for so long. */
  | {
      readonly type: 'conflict';
      readonly repairs: number;
      readonly origin?: Origin | undefined;
      readonly pauseMs: number;
    }
  /** Rules of other agents, or of this one under another backend, were removed; `removals` counts from the start. */
  | {
      readonly type: 'leftovers';
      readonly removed: readonly string[];
      readonly failures: readonly AgentError[];
      readonly removals: number;
    }
  /** The kernel held the policy already; nothing was written. */
  | {
      readonly type: 'in-sync';
      readonly trigger: Trigger;
      readonly policy: Policy;
      /** How that is known: all of it was read, or no event told of a change of what was read before. */
      readonly verifiedBy: 'read' | 'events';
      readonly recovery?: Recovery | undefined;
      readonly durationMs: number;
    }
  /** The kernel could not be brought to the policy; it holds what it held before, or is whole in another way. */
  | {
      readonly type: 'failed';
      readonly trigger: Trigger;
      readonly error: AgentError;
      /** In a row, this one included. */
      readonly failures: number;
      readonly retryInMs: number;
      /** What had been found wrong with the kernel, where it came so far. */
      readonly differences?: readonly string[] | undefined;
    }
  /** Other programs' rules were searched for those that masquerade what this agent keeps. */
  | { readonly type: 'foreign-masquerade'; readonly found: ForeignRules }
  /** The live connections were looked at, which took so much CPU time, that of the tools included. */
  | { readonly type: 'connections-sampled'; readonly report: ConnectionReport; readonly cpuMs: number }
  /** They can't be looked at; told once for each reason, until it works again. */
  | { readonly type: 'sampling-failed'; readonly error: AgentError }
  /** After a change of the config, so many connections that it judges otherwise were deleted, as it asks for. */
  | {
      readonly type: 'rejudged';
      readonly mode: RejudgeMode;
      readonly deleted: number;
      /** Why some could not be judged, or deleted. */
      readonly remarks: readonly string[];
    }
  | { readonly type: 'rejudge-failed'; readonly error: AgentError }
  /** Pods that the policy in force masquerades towards, of which was not told the last time. */
  | { readonly type: 'pod-networks'; readonly warnings: readonly Problem[] }
  /** The loop has begun to reconcile: with `waiting`, the sign of life that /healthz goes by. */
  | { readonly type: 'reconciling' }
  /** The loop waits, so many milliseconds unless something happens. */
  | { readonly type: 'waiting'; readonly forMs: number }
  /** HTTP is answered at this host:port. `bound` tells the port that was had where any was asked for. */
  | { readonly type: 'serving'; readonly address: string; readonly bound: string; readonly paths: readonly string[] }
  /** This host:port can't be had for HTTP; it is tried again. */
  | {
      readonly type: 'listen-failed';
      readonly address: string;
      readonly reason: string;
      readonly retryInMs: number;
    }
  /** Changes of the config can't be watched; the resync still sees them. */
  | { readonly type: 'watch-failed'; readonly reason: string }
  /** The kernel can't be heard of changes of the node's addresses; the resync still sees them. */
  | { readonly type: 'address-watch-failed'; readonly reason: string }
  /** The kernel can't be heard of changes of our rules; they are looked at every few seconds instead. */
  | { readonly type: 'kernel-watch-failed'; readonly reason: string }
  | { readonly type: 'stopped'; readonly reason: string };

export type ReportEvent = (event: AgentEvent) => void;
