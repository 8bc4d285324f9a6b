import type { ConfigReading } from '../config/config.ts';
import { formatProblem } from '../config/problems.ts';
import type { AgentState } from './agent-state.ts';
import { connectionLines } from './connection-lines.ts';
import { changedBy, type Events, type Line, type LineContext, milliseconds, shortened } from './log-line.ts';
import { nameLines } from './name-lines.ts';
import { appliedLines, inSyncLine } from './reconcile-lines.ts';

/** What is logged of an event. */
export function linesOf<Type extends keyof Events>(
  type: Type,
  event: Events[Type],
  context: LineContext,
): readonly Line[] {
  return lineTable[type](event, context);
}

/** What is logged of each event. */
const lineTable: {
  readonly [Type in keyof Events]: (event: Events[Type], context: LineContext) => readonly Line[];
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
  applied: appliedLines,
  'in-sync': (event, context) => [inSyncLine(event, context), ...context.takeRemarks(event.policy)],
  failed: ({ error, trigger, retryInMs }, { takeFiles }) => [
    {
      level: 'error',
      text: `${error.message}. ${error.advice}`,
      fields: { code: error.code, trigger, retryIn: milliseconds(retryInMs), ...takeFiles() },
      repeats: true,
    },
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
  'kernel-watch-failed': ({ reason }) => [
    {
      level: 'warn',
      text: `changes of the rules can't be heard from the kernel, which is looked at every few seconds instead: ${reason}`,
      repeats: true,
    },
  ],
  'address-watch-failed': ({ reason }) => [
    {
      level: 'warn',
      text: `changes of the node's addresses can't be heard from the kernel, resyncs see them: ${reason}`,
      repeats: true,
    },
  ],
  'foreign-masquerade': () => [],
  ...connectionLines,
  'pod-networks': ({ warnings }) => warnings.map((warning) => ({ level: 'warn', text: formatProblem(warning) })),
  reconciling: () => [],
  waiting: () => [],
  stopped: ({ reason }) => [{ level: 'info', text: 'stopped; the rules stay in the kernel', fields: { reason } }],
};

/** What no single event says, but the state that it led to: told once, when it begins. */
export function newTroubles(state: AgentState, before: AgentState): readonly Line[] {
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
