import type { AcceptedConfig, AgentEvent, Recovery } from '../agent/events.ts';
import { describeOrigin, type Origin } from '../backends/change-watch.ts';
import type { ConfigReading } from '../config/config.ts';
import { formatProblem } from '../config/problems.ts';
import { describeSource } from '../config/source.ts';
import type { NameAnswer } from '../names/name-watch.ts';
import { families } from '../net/family.ts';
import { type ListChange, policyChanges } from '../policy/changes.ts';
import { describeFlips } from '../policy/format-diff.ts';
import { lintPolicy } from '../policy/lint.ts';
import { describeEntryCounts, familyNames, listKeys, type Policy, type PolicyEntry } from '../policy/policy.ts';
import type { AgentState, Observer } from './agent-state.ts';
import type { Log, LogFields } from './log.ts';
import { LogThrottle } from './log-throttle.ts';
import { describeAddresses, type NameStatus, statusOfName, troubleOfName } from './name-report.ts';

/** Every event by its type. */
type Events = { readonly [Event in AgentEvent as Event['type']]: Event };

/** One line for the log. */
interface Line {
  readonly level: keyof Log;
  readonly text: string;
  readonly fields?: LogFields;
  /** May repeat itself for days: logged as often as it is news, and else only for those who want every detail. */
  readonly repeats?: boolean;
}

/** What a line is written from beside its event. */
interface Context {
  readonly state: AgentState;
  readonly before: AgentState;
  /** The files of the config that this line is the first to tell of. */
  readonly takeFiles: () => LogFields;
  /** What is odd about the lists of an accepted config, once its rules are in force: they come first. */
  readonly takeRemarks: (policy: Policy) => readonly Line[];
}

/**
 * Turns events into log lines: one for a change, saying what changed and why; nothing for a pass that changed nothing;
 * trouble that persists at its 1st, 2nd, 4th, 8th … time, and its end.
 */
export function createEventLog(log: Log): Observer {
  // Repairs are logged one by one until it is clear that they are a conflict.
  const throttles = new Map<AgentEvent['type'], LogThrottle>([['applied', new LogThrottle(20)]]);
  /** Of a config that was accepted but has not come to the kernel yet; told together with what it changes. */
  let acceptedFiles: readonly string[] | undefined;
  const takeFiles = (): LogFields => {
    const files = acceptedFiles;
    acceptedFiles = undefined;
    if (files === undefined) return {};
    return { files: files.length > 0 ? files : 'none, defaults apply' };
  };

  let unlinted: AcceptedConfig | undefined;
  let remarks: ReadonlySet<string> = new Set();
  const takeRemarks = (policy: Policy): readonly Line[] => {
    if (!unlinted) return [];
    const known = remarks;
    remarks = new Set(lintPolicy(policy, unlinted.config).map(formatProblem));
    unlinted = undefined;
    return [...remarks].filter((text) => !known.has(text)).map((text) => ({ level: 'warn', text }));
  };

  const write = (type: AgentEvent['type'], { level, text, fields = {}, repeats = false }: Line): void => {
    if (!repeats) {
      log[level](text, fields);
      return;
    }
    const throttle = throttles.get(type) ?? new LogThrottle();
    throttles.set(type, throttle);
    const { isNews, times } = throttle.add(text);
    log[isNews ? level : 'debug'](text, { ...fields, ...(times > 1 ? { times } : {}) });
  };

  return (event, state, before) => {
    const lines = linesOf(event.type, event, { state, before, takeFiles, takeRemarks });
    for (const line of [...lines, ...newTroubles(state, before)]) write(event.type, line);
    if (event.type !== 'config-accepted') return;
    acceptedFiles = event.reading.files;
    unlinted = event.reading;
  };
}

function linesOf<Type extends keyof Events>(type: Type, event: Events[Type], context: Context): readonly Line[] {
  return lineTable[type](event, context);
}

/** What is logged of each event. */
const lineTable: {
  readonly [Type in keyof Events]: (event: Events[Type], context: Context) => readonly Line[];
} = {
  started: ({ version, backend, reason, configPath }) => [
    { level: 'info', text: `ip-masq-agent ${version} started`, fields: { backend, reason, config: configPath } },
  ],
  serving: ({ bound, paths }) => [{ level: 'info', text: 'serving HTTP', fields: { address: bound, paths } }],
  'listen-failed': ({ reason, retryInMs }) => [
    {
      level: 'error',
      text: `${reason}. Free the address; the rules are kept up meanwhile`,
      fields: { code: 'LISTEN_FAILED', retryIn: milliseconds(retryInMs) },
      repeats: true,
    },
  ],
  'config-accepted': ({ reading }, { before }) => newWarnings(reading, before),
  'config-rejected': ({ reading, policyKept }, { before }) => [
    rejection(reading.problems.map(formatProblem), policyKept),
    ...newWarnings(reading, before),
  ],
  names: ({ answers }, { before }) => nameLines(answers, before.names),
  'names-awaited': ({ names }, { before }) =>
    before.awaitedNames.length > 0
      ? []
      : [
          {
            level: 'warn',
            text: 'the rules found in the kernel stay until DNS answers, ten minutes at most',
            fields: { names: shortened(names) },
          },
        ],
  applied: (event, context) => [appliedLine(event, context), ...turnovers(event), ...context.takeRemarks(event.policy)],
  'in-sync': (event, context) => [inSyncLine(event, context), ...context.takeRemarks(event.policy)],
  failed: ({ error, trigger, retryInMs }, { takeFiles }) => [
    {
      level: 'error',
      text: `${error.message}. ${error.advice}`,
      fields: { code: error.code, trigger, retryIn: milliseconds(retryInMs), ...takeFiles() },
      repeats: true,
    },
  ],
  leftovers: leftoverLines,
  conflict: ({ origin, repairs, pauseMs }) => [
    {
      level: 'error',
      text: 'another program keeps changing the rules of this agent; stop it',
      fields: { ...changedBy(origin), repairs, nextRepairIn: milliseconds(pauseMs) },
      repeats: true,
    },
  ],
  'watch-failed': ({ reason }) => [
    { level: 'warn', text: `the config can't be watched, resyncs see its changes: ${reason}`, repeats: true },
  ],
  'address-watch-failed': ({ reason }) => [
    {
      level: 'warn',
      text: `changes of the node's addresses can't be heard from the kernel, resyncs see them: ${reason}`,
      repeats: true,
    },
  ],
  'kernel-watch-failed': ({ reason }) => [
    {
      level: 'warn',
      text: `changes of the rules can't be heard from the kernel, which is looked at every few seconds instead: ${reason}`,
      repeats: true,
    },
  ],
  'foreign-masquerade': () => [],
  'connections-sampled': ({ report: { total, otherwise }, cpuMs }) => [
    {
      level: 'debug',
      text: 'live connections sampled',
      fields: { total, otherwise: otherwise.count, cpu: milliseconds(cpuMs) },
    },
  ],
  'sampling-failed': ({ error }) => [
    {
      level: 'warn',
      text: `live connections are not sampled: ${error.message}. ${error.advice}`,
      fields: { code: error.code },
      repeats: true,
    },
  ],
  rejudged: ({ mode, deleted, remarks }) => [
    {
      level: 'info',
      text: 'connections were deleted, so that their next packets are judged by the new config',
      fields: { mode, deleted, ...(remarks.length > 0 ? { remarks } : {}) },
    },
  ],
  'rejudge-failed': ({ error }) => [
    {
      level: 'error',
      text: `connections that the new config judges otherwise were not all deleted: ${error.message}. ${error.advice}`,
      fields: { code: error.code },
    },
  ],
  reconciling: () => [],
  waiting: () => [],
  stopped: ({ reason }) => [{ level: 'info', text: 'stopped; the rules stay in the kernel', fields: { reason } }],
};

/** What no single event says, but the state that it led to: told once, when it begins. */
function newTroubles(state: AgentState, before: AgentState): readonly Line[] {
  const { fallback, anotherAgent } = state;
  return [
    ...(fallback && !before.fallback
      ? [
          {
            level: 'warn',
            text: 'THE CONFIG WAS DELETED: its files are gone, and the defaults apply',
            fields: { lost: fallback.lostFiles },
          } as const,
        ]
      : []),
    ...(anotherAgent && !before.anotherAgent
      ? [
          {
            level: 'error',
            text: 'ANOTHER ip-masq-agent WITH ANOTHER CONFIG IS RUNNING on this node, and each undoes what the other does; stop one',
            fields: {
              sign: anotherAgent.sign,
              ...(anotherAgent.changedBy ? { changedBy: anotherAgent.changedBy } : {}),
            },
          } as const,
        ]
      : []),
  ];
}

function leftoverLines({ removed, failures, removals }: Events['leftovers']): readonly Line[] {
  const found: Line[] = [
    { level: 'info', text: 'removed what another agent or backend had left', fields: { removed } },
    {
      level: 'warn',
      text: 'rules that were removed came back: ANOTHER MASQUERADE AGENT IS RUNNING on this node; stop it',
      fields: { removed },
    },
  ];
  const texts = failures.map(({ message, advice }) => `${message}. ${advice}`);
  return [
    ...(removed.length > 0 ? found.slice(removals - 1, removals) : []),
    ...(texts.length > 0
      ? [{ level: 'warn', text: `looking for leftovers: ${texts.join('; ')}`, repeats: true } as const]
      : []),
  ];
}

/** What became of names since the last look: those that are in trouble now, and those that are out of it. */
function nameLines(answers: readonly NameAnswer[], before: readonly NameAnswer[]): readonly Line[] {
  const last = new Map(before.map((answer) => [answer.name, statusOfName(answer)]));
  const changed = answers.filter((answer) => (last.get(answer.name) ?? 'pending') !== statusOfName(answer));
  const told = (status: NameStatus, describe: (answer: NameAnswer) => string): readonly string[] =>
    shortened(changed.filter((answer) => statusOfName(answer) === status).map(describe));
  const trouble = (answer: NameAnswer): string => `${answer.name}: ${troubleOfName(answer)}`;
  const idle = told('idle', trouble);
  const stale = told('stale', trouble);
  const resolved = told('resolved', (answer) => `${answer.name}: ${describeAddresses(answer)}`);
  return [
    ...(idle.length > 0
      ? [
          {
            level: 'warn',
            text: 'names stand for nothing, and their entries change nothing',
            fields: { names: idle },
          } as const,
        ]
      : []),
    ...(stale.length > 0
      ? [
          {
            level: 'warn',
            text: 'DNS does not answer; names keep their last addresses',
            fields: { names: stale },
          } as const,
        ]
      : []),
    ...(resolved.length > 0 ? [{ level: 'info', text: 'names resolved', fields: { names: resolved } } as const] : []),
  ];
}

/** One line for the whole rejection, however many mistakes the config has. */
function rejection([first, ...others]: readonly string[], policyKept: boolean): Line {
  const kept = policyKept
    ? 'the last good config stays in force'
    : 'no config was accepted yet, the rules in the kernel are left alone';
  return {
    level: 'error',
    text: `config rejected, ${kept}: ${first ?? 'no reason given'}`,
    fields: others.length > 0 ? { others: shortened(others) } : {},
  };
}

/** What the last reading was not warned of: what is odd about a config for good is told once, not at each change. */
function newWarnings({ warnings }: ConfigReading, { config, rejection: rejected }: AgentState): readonly Line[] {
  const last = (rejected ?? config)?.reading.warnings ?? [];
  const known = new Set(last.map(formatProblem));
  const texts = new Set(warnings.map(formatProblem));
  return [...texts].filter((text) => !known.has(text)).map((text) => ({ level: 'warn', text }));
}

function appliedLine(event: Events['applied'], context: Context): Line {
  const { trigger, policy, previous, differences, flips, origin, durationMs } = event;
  const fields = { trigger, took: milliseconds(durationMs), ...context.takeFiles(), ...recoveryFields(event.recovery) };
  if (previous === undefined) {
    return { level: 'info', text: 'rules applied', fields: { ...fields, entries: describeEntryCounts(policy) } };
  }
  if (event.cause === 'drift') {
    return {
      level: 'warn',
      text: 'rules had been changed by somebody else and were repaired',
      fields: { ...fields, ...changedBy(origin), differences: shortened(differences) },
      repeats: true,
    };
  }
  const { lists, settings } = policyChanges(previous, policy);
  return {
    level: 'info',
    text: 'rules changed',
    fields: {
      ...Object.fromEntries(lists.flatMap(changeFields)),
      ...(settings.length > 0 ? { settings } : {}),
      ...(flips ? { flips: describeFlips(flips) } : {}),
      ...fields,
    },
  };
}

/** A change of a line or two that turns over most of a family is rarely what was meant. */
function turnovers({ flips }: Events['applied']): readonly Line[] {
  const turned = families.filter((family) => flips !== undefined && flips.shares[family] > 0.5);
  return turned.map((family) => ({
    level: 'warn',
    text: `this change judges more than half of all ${familyNames[family]} connections otherwise`,
  }));
}

/** Silent at most log levels, but for an end of failures and for a config whose rules were in place already. */
function inSyncLine({ trigger, policy, verifiedBy, recovery, durationMs }: Events['in-sync'], context: Context): Line {
  const fields = { trigger, took: milliseconds(durationMs) };
  const files = context.takeFiles();
  const failure = recoveryFields(recovery);
  if ('files' in files) {
    return {
      level: 'info',
      text: 'config accepted; the kernel holds its rules already',
      fields: { ...fields, ...files, ...failure, entries: describeEntryCounts(policy) },
    };
  }
  if ('failures' in failure) return { level: 'info', text: 'rules in sync again', fields: { ...fields, ...failure } };
  return { level: 'debug', text: 'rules in sync', fields: { ...fields, verifiedBy } };
}

/** What a line ends: failures in a row, and for how long. */
function recoveryFields(recovery: Recovery | undefined): LogFields {
  return recovery ? { failures: recovery.failures, failedFor: milliseconds(recovery.forMs) } : {};
}

function changedBy(origin: Origin | undefined): LogFields {
  return origin ? { changedBy: describeOrigin(origin) } : {};
}

function changeFields({ list, added, removed }: ListChange): [string, readonly string[]][] {
  const field = (verb: string, entries: readonly PolicyEntry[]): [string, readonly string[]][] =>
    entries.length === 0 ? [] : [[`${listKeys[list]}.${verb}`, shortened(entries.map(describeEntry))]];
  return [...field('added', added), ...field('removed', removed)];
}

function describeEntry({ cidr, source, name }: PolicyEntry): string {
  return `${cidr.text} (${name === undefined ? '' : `${name}, `}${describeSource(source)})`;
}

/** More than this in one field help nobody. */
const shownItems = 20;

function shortened(items: readonly string[]): readonly string[] {
  return items.length > shownItems ? [...items.slice(0, shownItems), `and ${items.length - shownItems} more`] : items;
}

function milliseconds(duration: number): string {
  return `${Math.round(duration)}ms`;
}
