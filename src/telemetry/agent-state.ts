import type { AcceptedConfig, AgentEvent, RejectedConfig, ReportEvent } from '../agent/events.ts';
import { monotonicMs } from '../clock.ts';
import type { AgentError } from '../errors.ts';
import type { Policy } from '../policy/policy.ts';

/** One instant on two clocks: `wall` in milliseconds since 1970, `steady` in milliseconds on a clock that never jumps. */
export interface Instant {
  readonly wall: number;
  readonly steady: number;
}

/** What the agent has come to so far, as plain data: health checks, the daily log line and `status` are made from it. */
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
  /** The policy that the kernel was last known to hold. */
  readonly policy: Policy | undefined;
  /** When the kernel was last known to hold what it should. */
  readonly lastSyncAt: Instant | undefined;
  /** When the kernel's rules were last written. */
  readonly lastApplyAt: Instant | undefined;
  /** Changes by others that were undone, and the last of them. */
  readonly driftRepairs: number;
  readonly lastDriftRepairAt: Instant | undefined;
  /** The failure that persists. */
  readonly failure: { readonly error: AgentError; readonly count: number; readonly since: Instant } | undefined;
  /** What the loop does: a pass since `since`, or waiting until `until`, both on the steady clock. */
  readonly loop:
    | { readonly doing: 'pass'; readonly since: number }
    | { readonly doing: 'wait'; readonly until: number };
}

/** The status of an agent that has just been started. */
export function initialStatus(now: Instant): AgentState {
  return {
    startedAt: now,
    agent: undefined,
    config: undefined,
    rejection: undefined,
    policy: undefined,
    lastSyncAt: undefined,
    lastApplyAt: undefined,
    driftRepairs: 0,
    lastDriftRepairAt: undefined,
    failure: undefined,
    loop: { doing: 'pass', since: now.steady },
  };
}

/** The status after an event. Pure. */
export function nextStatus(status: AgentState, event: AgentEvent, now: Instant): AgentState {
  switch (event.type) {
    case 'started':
      return { ...status, agent: event };
    case 'config-accepted':
      return { ...status, config: { reading: event.reading, at: now }, rejection: undefined };
    case 'config-rejected':
      return { ...status, rejection: { reading: event.reading, at: now } };
    case 'applied':
      return {
        ...status,
        policy: event.policy,
        failure: undefined,
        lastSyncAt: now,
        lastApplyAt: now,
        ...(event.cause === 'drift' ? { driftRepairs: status.driftRepairs + 1, lastDriftRepairAt: now } : {}),
      };
    case 'in-sync':
      return { ...status, policy: event.policy, failure: undefined, lastSyncAt: now };
    case 'failed':
      return {
        ...status,
        failure: {
          error: event.error,
          count: event.failures,
          since: status.failure?.since ?? now,
        },
      };
    case 'reconciling':
      return { ...status, loop: { doing: 'pass', since: now.steady } };
    case 'waiting':
      return { ...status, loop: { doing: 'wait', until: now.steady + event.forMs } };
    default:
      return status;
  }
}

/** Follows the events of one agent. */
export interface AgentStateTracker {
  readonly report: ReportEvent;
  readonly status: () => AgentState;
}

export function trackAgentState(clock: () => Instant = systemClock): AgentStateTracker {
  let status = initialStatus(clock());
  return {
    report: (event) => {
      status = nextStatus(status, event, clock());
    },
    status: () => status,
  };
}

export function systemClock(): Instant {
  return { wall: Date.now(), steady: monotonicMs() };
}
