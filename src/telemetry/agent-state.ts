import type { AcceptedConfig, AgentEvent, RejectedConfig, ReportEvent } from '../agent/events.ts';
import { signOfAnotherAgent } from '../backends/another-agent.ts';
import { describeOrigin } from '../backends/change-watch.ts';
import { monotonicMs } from '../clock.ts';
import type { ConnectionReport } from '../connections/census.ts';
import type { AgentError } from '../errors.ts';
import type { NameAnswer } from '../names/name-watch.ts';
import type { Policy } from '../policy/policy.ts';

/** One instant on two clocks, in milliseconds: `wallClock` since 1970, `monotonic` as monotonicMs() has it. */
export interface Instant {
  readonly wallClock: number;
  readonly monotonic: number;
}

/** What the agent has come to so far, as plain data: log, metrics, health, systemd and `status` are told from it. */
export interface AgentState {
  readonly startedAt: Instant;
  /** What was started; undefined until it said so. */
  readonly agent:
    | Pick<Extract<AgentEvent, { type: 'started' }>, 'version' | 'backend' | 'reason' | 'configPath'>
    | undefined;
  /** The last good config. */
  readonly config: { readonly reading: AcceptedConfig; readonly at: Instant } | undefined;
  /** The config on disk where it is bad; undefined once it is good again. */
  readonly rejection: { readonly reading: RejectedConfig; readonly at: Instant } | undefined;
  /** Files that were the config until they were deleted, so that the defaults apply; undefined once there are files. */
  readonly fallback: { readonly lostFiles: readonly string[]; readonly at: Instant } | undefined;
  /** What DNS has said so far of the names in the config. */
  readonly names: readonly NameAnswer[];
  /** The names whose answers the rules found in the kernel wait for; none once there is no need to wait. */
  readonly awaitedNames: readonly string[];
  /** The policy that the kernel was last known to hold. */
  readonly policy: Policy | undefined;
  /** When the kernel was last known to hold what it should. */
  readonly lastSyncAt: Instant | undefined;
  /** When the kernel's rules were last written. */
  readonly lastApplyAt: Instant | undefined;
  /** Changes by others that were undone, and the last of them. */
  readonly driftRepairs: number;
  readonly lastDriftRepairAt: Instant | undefined;
  /** Rules of another agent of this kind that turned up among ours: what showed it, who wrote them if known, and when. */
  readonly anotherAgent:
    | {
        readonly sign: string;
        readonly changedBy: string | undefined;
        readonly since: Instant;
        readonly lastAt: Instant;
      }
    | undefined;
  /** The live connections as they were last sampled; undefined until then, and where they can't be. */
  readonly connections: { readonly report: ConnectionReport; readonly at: Instant } | undefined;
  /** The failure that persists. */
  readonly failure: { readonly error: AgentError; readonly count: number; readonly since: Instant } | undefined;
  /** Addresses that HTTP should be served on and can't be had. */
  readonly listenFailures: readonly { readonly address: string; readonly reason: string; readonly since: Instant }[];
  /** What the loop does: a reconcile since `since`, or waiting until `until`, both on the monotonic clock. */
  readonly loop:
    | { readonly doing: 'reconcile'; readonly since: number }
    | { readonly doing: 'wait'; readonly until: number };
}

/** The state of an agent that has just been started. */
export function initialState(now: Instant): AgentState {
  return {
    startedAt: now,
    agent: undefined,
    config: undefined,
    rejection: undefined,
    fallback: undefined,
    names: [],
    awaitedNames: [],
    policy: undefined,
    lastSyncAt: undefined,
    lastApplyAt: undefined,
    driftRepairs: 0,
    lastDriftRepairAt: undefined,
    anotherAgent: undefined,
    connections: undefined,
    failure: undefined,
    listenFailures: [],
    loop: { doing: 'reconcile', since: now.monotonic },
  };
}

/** The state after an event. Pure. */
export function nextState(state: AgentState, event: AgentEvent, now: Instant): AgentState {
  switch (event.type) {
    case 'started':
      return { ...state, agent: event };
    case 'config-accepted':
      return {
        ...state,
        config: { reading: event.reading, at: now },
        rejection: undefined,
        fallback: fallbackAfter(state, event.reading, now),
      };
    case 'config-rejected':
      return { ...state, rejection: { reading: event.reading, at: now } };
    case 'names':
      return { ...state, names: event.answers };
    case 'names-awaited':
      return { ...state, awaitedNames: event.names, failure: undefined };
    case 'applied':
      return {
        ...state,
        awaitedNames: [],
        policy: event.policy,
        failure: undefined,
        lastSyncAt: now,
        lastApplyAt: now,
        ...(event.cause === 'drift'
          ? {
              driftRepairs: state.driftRepairs + 1,
              lastDriftRepairAt: now,
              anotherAgent: anotherAgentAfter(state, event, now),
            }
          : {}),
      };
    case 'in-sync':
      return { ...state, awaitedNames: [], policy: event.policy, failure: undefined, lastSyncAt: now };
    case 'failed':
      return {
        ...state,
        failure: { error: event.error, count: event.failures, since: state.failure?.since ?? now },
        // Of an agent that has applied nothing yet, foreign rules may be its own, from before it was started anew.
        ...(state.policy ? { anotherAgent: anotherAgentAfter(state, event, now) } : {}),
      };
    case 'connections-sampled':
      return { ...state, connections: { report: event.report, at: now } };
    case 'sampling-failed':
      return { ...state, connections: undefined };
    case 'listen-failed': {
      const { address, reason } = event;
      const since = state.listenFailures.find((failure) => failure.address === address)?.since ?? now;
      return { ...state, listenFailures: [...othersThan(address, state), { address, reason, since }] };
    }
    case 'serving':
      return { ...state, listenFailures: othersThan(event.address, state) };
    case 'reconciling':
      return { ...state, loop: { doing: 'reconcile', since: now.monotonic } };
    case 'waiting':
      return { ...state, loop: { doing: 'wait', until: now.monotonic + event.forMs } };
    default:
      return state;
  }
}

/** A config without files falls back to the defaults where there were files before; it lasts until there are some again. */
function fallbackAfter(
  { config, fallback }: AgentState,
  { files }: AcceptedConfig,
  now: Instant,
): AgentState['fallback'] {
  if (files.length > 0) return undefined;
  const lostFiles = config?.reading.files ?? [];
  return lostFiles.length > 0 ? { lostFiles, at: now } : fallback;
}

function anotherAgentAfter(
  { anotherAgent }: AgentState,
  event: Extract<AgentEvent, { type: 'applied' | 'failed' }>,
  now: Instant,
): AgentState['anotherAgent'] {
  const sign = signOfAnotherAgent(event.differences ?? []);
  if (sign === undefined) return anotherAgent;
  const origin = event.type === 'applied' ? event.origin : undefined;
  const changedBy = origin ? describeOrigin(origin) : anotherAgent?.changedBy;
  return { sign, changedBy, since: anotherAgent?.since ?? now, lastAt: now };
}

function othersThan(address: string, { listenFailures }: AgentState): AgentState['listenFailures'] {
  return listenFailures.filter((failure) => failure.address !== address);
}

/** Told of an event, with the state that it led to and the one before. */
export type Observer = (event: AgentEvent, state: AgentState, before: AgentState) => void;

/** Folds the events of one agent into its state, and tells its observers of each, in the order in which they came. */
export interface AgentStateTracker {
  readonly report: ReportEvent;
  readonly state: () => AgentState;
  subscribe(observer: Observer): void;
}

export function trackAgentState(clock: () => Instant = systemClock): AgentStateTracker {
  let state = initialState(clock());
  const observers: Observer[] = [];
  return {
    report(event) {
      const before = state;
      state = nextState(state, event, clock());
      for (const observe of observers) observe(event, state, before);
    },
    state: () => state,
    subscribe: (observer) => void observers.push(observer),
  };
}

export function systemClock(): Instant {
  return { wallClock: Date.now(), monotonic: monotonicMs() };
}
