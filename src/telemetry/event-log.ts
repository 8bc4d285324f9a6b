import type { AcceptedConfig, AgentEvent, ReportEvent } from '../agent/events.ts';
import { monotonicMs } from '../clock.ts';
import type { ConfigReading } from '../config/config.ts';
import { formatProblem } from '../config/problems.ts';
import { describeSource } from '../config/source.ts';
import { families } from '../net/family.ts';
import { type ListChange, policyChanges } from '../policy/changes.ts';
import { describeFlips } from '../policy/format-diff.ts';
import { lintPolicy } from '../policy/lint.ts';
import { describeEntryCounts, familyNames, listKeys, type Policy, type PolicyEntry } from '../policy/policy.ts';
import { isDriftRepair } from './agent-state.ts';
import type { Log, LogFields } from './log.ts';
import { Repetition } from './repetition.ts';

type EventOf<Type extends AgentEvent['type']> = Extract<AgentEvent, { type: Type }>;

/** What the lines so far have left to be said. */
class Memory {
  /** The files of a config that was accepted but has not come to the kernel yet; told together with what it changes. */
  acceptedFiles: readonly string[] | undefined;
  /** A config that was accepted and whose lists were not looked at closely yet: the rules come first. */
  unlinted: AcceptedConfig | undefined;
  /** Passes that failed in a row, and since when (monotonicMs()). */
  failure: { readonly count: number; readonly since: number } | undefined;
  /** What the last config was warned of: what is odd about it for good is told once, not at each change. */
  warnings: ReadonlySet<string> = new Set();
  /** The same of its lists. */
  remarks: ReadonlySet<string> = new Set();
  /** Repairs are told one by one until it is clear that they are a fight. */
  readonly #repetitions = new Map([['applied', new Repetition(20)]]);

  /** Logs what may repeat itself for days, as often as it is news; else only for those who want every detail. */
  logRepeated(log: Log, level: 'warn' | 'error', type: string, text: string, fields: LogFields = {}): void {
    const repetition = this.#repetitions.get(type) ?? new Repetition();
    this.#repetitions.set(type, repetition);
    const { isNews, times } = repetition.add(text);
    log[isNews ? level : 'debug'](text, { ...fields, ...(times > 1 ? { times } : {}) });
  }

  /** The files of the config that this line is the first to tell of. */
  takeFiles(): LogFields {
    const files = this.acceptedFiles;
    this.acceptedFiles = undefined;
    if (files === undefined) return {};
    return { files: files.length > 0 ? files : 'none, defaults apply' };
  }

  /** What this line ends: failures in a row, and for how long. */
  takeFailure(): LogFields {
    const { failure } = this;
    this.failure = undefined;
    return failure ? { failures: failure.count, failedFor: milliseconds(monotonicMs() - failure.since) } : {};
  }
}

/**
 * Turns events into log lines: one for a change, saying what changed and why; nothing for a pass that changed nothing;
 * trouble that persists at its 1st, 2nd, 4th, 8th … time, and its end.
 */
export function createEventLog(log: Log): ReportEvent {
  const memory = new Memory();
  return (event) => logEvent(log, memory, event);
}

function logEvent(log: Log, memory: Memory, event: AgentEvent): void {
  switch (event.type) {
    case 'started':
      log.info(`ip-masq-agent ${event.version} started`, {
        backend: event.backend,
        reason: event.reason,
        config: event.configPath,
      });
      return;
    case 'config-accepted':
      logWarnings(log, memory, event.reading);
      memory.acceptedFiles = event.reading.files;
      memory.unlinted = event.reading;
      return;
    case 'config-rejected':
      logRejected(log, memory, event);
      return;
    case 'applied':
      logApplied(log, memory, event);
      logRemarks(log, memory, event.policy);
      return;
    case 'in-sync':
      logInSync(log, memory, event);
      logRemarks(log, memory, event.policy);
      return;
    case 'failed':
      logFailed(log, memory, event);
      return;
    case 'leftovers':
      logLeftovers(log, memory, event);
      return;
    case 'pass-began':
    case 'waiting':
      return;
    case 'serving':
      log.info('serving HTTP', { address: event.address, paths: event.paths });
      return;
    case 'watch-failed':
      memory.logRepeated(
        log,
        'warn',
        event.type,
        `the config can't be watched, resyncs see its changes: ${event.reason}`,
      );
      return;
    case 'kernel-watch-failed':
      memory.logRepeated(
        log,
        'warn',
        event.type,
        `changes of the rules are not heard of for a moment, resyncs look closely instead: ${event.reason}`,
      );
      return;
    case 'conflict':
      memory.logRepeated(log, 'error', event.type, 'another program keeps changing the rules of this agent; stop it', {
        ...(event.changedBy ? { changedBy: event.changedBy } : {}),
        repairs: event.repairs,
        nextRepairIn: milliseconds(event.pauseMs),
      });
      return;
    case 'stopped':
      log.info('stopped; the rules stay in the kernel', { reason: event.reason });
  }
}

function logLeftovers(log: Log, memory: Memory, event: EventOf<'leftovers'>): void {
  const { type, removed, failures, removals } = event;
  if (removed.length > 0 && removals === 1) log.info('removed what another agent or backend had left', { removed });
  if (removed.length > 0 && removals === 2) {
    log.warn('rules that were removed came back: ANOTHER MASQUERADE AGENT IS RUNNING on this node; stop it', {
      removed,
    });
  }
  if (failures.length > 0) {
    const texts = failures.map(({ message, advice }) => `${message}. ${advice}`);
    memory.logRepeated(log, 'warn', type, `looking for leftovers: ${texts.join('; ')}`);
  }
}

/** One entry for the whole rejection, however many mistakes the config has. */
function logRejected(log: Log, memory: Memory, { reading, policyKept }: EventOf<'config-rejected'>): void {
  const kept = policyKept
    ? 'the last good config stays in force'
    : 'no config was accepted yet, the rules in the kernel are left alone';
  const [first, ...others] = reading.problems.map(formatProblem);
  log.error(
    `config rejected, ${kept}: ${first ?? 'no reason given'}`,
    others.length > 0 ? { others: shortened(others) } : {},
  );
  logWarnings(log, memory, reading);
}

function logWarnings(log: Log, memory: Memory, { warnings }: ConfigReading): void {
  const texts = new Set(warnings.map(formatProblem));
  for (const text of texts) if (!memory.warnings.has(text)) log.warn(text);
  memory.warnings = texts;
}

/** What is odd about the lists of a new config, once its rules are in force. */
function logRemarks(log: Log, memory: Memory, policy: Policy): void {
  if (!memory.unlinted) return;
  const texts = new Set(lintPolicy(policy, memory.unlinted.config).map(formatProblem));
  for (const text of texts) if (!memory.remarks.has(text)) log.warn(text);
  memory.remarks = texts;
  memory.unlinted = undefined;
}

function logApplied(log: Log, memory: Memory, event: EventOf<'applied'>): void {
  const { trigger, policy, previous, differences, flips, changedBy, durationMs } = event;
  const context = { trigger, took: milliseconds(durationMs), ...memory.takeFiles(), ...memory.takeFailure() };
  if (previous === undefined) {
    log.info('rules applied', { ...context, entries: describeEntryCounts(policy) });
    return;
  }
  if (isDriftRepair(event)) {
    memory.logRepeated(log, 'warn', event.type, 'rules had been changed by somebody else and were repaired', {
      ...context,
      ...(changedBy ? { changedBy } : {}),
      differences: shortened(differences),
    });
    return;
  }
  const { lists, settings } = policyChanges(previous, policy);
  log.info('rules changed', {
    ...Object.fromEntries(lists.flatMap(changeFields)),
    ...(settings.length > 0 ? { settings } : {}),
    ...(flips ? { flips: describeFlips(flips) } : {}),
    ...context,
  });
  for (const family of families.filter((one) => flips !== undefined && flips.shares[one] > 0.5)) {
    log.warn(`this change judges more than half of all ${familyNames[family]} connections otherwise`);
  }
}

/** Silent at most log levels, but for an end of failures and for a config whose rules were in place already. */
function logInSync(log: Log, memory: Memory, { trigger, policy, basis, durationMs }: EventOf<'in-sync'>): void {
  const context = { trigger, took: milliseconds(durationMs) };
  const news = { ...memory.takeFiles(), ...memory.takeFailure() };
  if ('files' in news) {
    log.info('config accepted; the kernel holds its rules already', {
      ...context,
      ...news,
      entries: describeEntryCounts(policy),
    });
  } else if ('failures' in news) {
    log.info('rules in sync again', { ...context, ...news });
  } else {
    log.debug('rules in sync', { ...context, basis });
  }
}

function logFailed(log: Log, memory: Memory, { type, error, trigger, retryInMs }: EventOf<'failed'>): void {
  const { failure } = memory;
  memory.failure = { count: (failure?.count ?? 0) + 1, since: failure?.since ?? monotonicMs() };
  memory.logRepeated(log, 'error', type, `${error.message}. ${error.advice}`, {
    code: error.code,
    trigger,
    retryIn: milliseconds(retryInMs),
    ...memory.takeFiles(),
  });
}

function changeFields({ list, added, removed }: ListChange): [string, readonly string[]][] {
  const field = (verb: string, entries: readonly PolicyEntry[]): [string, readonly string[]][] =>
    entries.length === 0 ? [] : [[`${listKeys[list]}.${verb}`, shortened(entries.map(describeEntry))]];
  return [...field('added', added), ...field('removed', removed)];
}

function describeEntry({ cidr, source }: PolicyEntry): string {
  return `${cidr.text} (${describeSource(source)})`;
}

/** More than this in one field help nobody. */
const shownItems = 20;

function shortened(items: readonly string[]): readonly string[] {
  return items.length > shownItems ? [...items.slice(0, shownItems), `and ${items.length - shownItems} more`] : items;
}

function milliseconds(duration: number): string {
  return `${Math.round(duration)}ms`;
}
