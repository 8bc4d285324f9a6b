import type { AgentEvent, Recovery, ReportEvent } from '../agent/events.ts';
import type { Origin } from '../backends/change-watch.ts';
import type { ConfigReading } from '../config/config.ts';
import { formatProblem } from '../config/problem.ts';
import { describeSource } from '../config/source.ts';
import { type ListChange, policyChanges } from '../policy/changes.ts';
import { describeEntryCounts } from '../policy/entry-counts.ts';
import { listKeys, type PolicyEntry } from '../policy/policy.ts';
import type { Log, LogFields } from './log.ts';
import { Repetition } from './repetition.ts';

type EventOf<Type extends AgentEvent['type']> = Extract<AgentEvent, { type: Type }>;

/** What the lines so far have left to be said. */
class Memory {
  /** The files of a config that was accepted but has not come to the kernel yet; told together with what it changes. */
  acceptedFiles: readonly string[] | undefined;
  /** What the last config was warned of: what is odd about it for good is told once, not at each change. */
  warnings: ReadonlySet<string> = new Set();
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
      return;
    case 'config-rejected':
      logRejected(log, memory, event);
      return;
    case 'applied':
      logApplied(log, memory, event);
      return;
    case 'in-sync':
      logInSync(log, memory, event);
      return;
    case 'failed':
      logFailed(log, memory, event);
      return;
    case 'leftovers':
      logLeftovers(log, memory, event);
      return;
    case 'reconciling':
    case 'waiting':
    case 'foreign-masquerade':
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
        `changes of the rules can't be heard from the kernel, which is looked at every few seconds instead: ${event.reason}`,
      );
      return;
    case 'conflict':
      memory.logRepeated(log, 'error', event.type, 'another program keeps changing the rules of this agent; stop it', {
        ...changedBy(event.origin),
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

function logApplied(log: Log, memory: Memory, event: EventOf<'applied'>): void {
  const { trigger, policy, previous, differences, origin, recovery, durationMs } = event;
  const context = { trigger, took: milliseconds(durationMs), ...memory.takeFiles(), ...recoveryFields(recovery) };
  if (previous === undefined) {
    log.info('rules applied', { ...context, entries: describeEntryCounts(policy) });
    return;
  }
  if (event.cause === 'drift') {
    memory.logRepeated(log, 'warn', event.type, 'rules had been changed by somebody else and were repaired', {
      ...context,
      ...changedBy(origin),
      differences: shortened(differences),
    });
    return;
  }
  const { lists, settings } = policyChanges(previous, policy);
  log.info('rules changed', {
    ...Object.fromEntries(lists.flatMap(changeFields)),
    ...(settings.length > 0 ? { settings } : {}),
    ...context,
  });
}

/** Silent at most log levels, but for an end of failures and for a config whose rules were in place already. */
function logInSync(log: Log, memory: Memory, event: EventOf<'in-sync'>): void {
  const { trigger, policy, verifiedBy, recovery, durationMs } = event;
  const context = { trigger, took: milliseconds(durationMs) };
  const news = { ...memory.takeFiles(), ...recoveryFields(recovery) };
  if ('files' in news) {
    log.info('config accepted; the kernel holds its rules already', {
      ...context,
      ...news,
      entries: describeEntryCounts(policy),
    });
  } else if ('failures' in news) {
    log.info('rules in sync again', { ...context, ...news });
  } else {
    log.debug('rules in sync', { ...context, verifiedBy });
  }
}

function logFailed(log: Log, memory: Memory, { type, error, trigger, retryInMs }: EventOf<'failed'>): void {
  memory.logRepeated(log, 'error', type, `${error.message}. ${error.advice}`, {
    code: error.code,
    trigger,
    retryIn: milliseconds(retryInMs),
    ...memory.takeFiles(),
  });
}

/** What a line ends: failures in a row, and for how long. */
function recoveryFields(recovery: Recovery | undefined): LogFields {
  return recovery ? { failures: recovery.failures, failedFor: milliseconds(recovery.forMs) } : {};
}

function changedBy(origin: Origin | undefined): LogFields {
  return origin ? { changedBy: `process ${origin.pid} (${origin.program})` } : {};
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
