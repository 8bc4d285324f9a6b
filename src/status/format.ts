import type { ForeignRule } from '../backends/foreign/foreign-masquerade.ts';
import type { CrashingTable } from '../backends/nft/crashing-sets.ts';
import { formatDuration } from '../net/duration.ts';
import { families } from '../net/family.ts';
import type { AgentReport } from '../telemetry/agent-report.ts';
import { printable } from '../text.ts';
import type { NodeStatus, RunningAgent } from './node-status.ts';

/** What the first line says of the kernel, which is compared with `asked`. */
const titles: Readonly<Record<NodeStatus['state'], (asked: string) => string>> = {
  'in-sync': (asked) => `IN SYNC: the kernel holds what ${asked} asks for`,
  drifted: (asked) => `DRIFTED: the kernel does not do what ${asked} asks for`,
  absent: () => 'ABSENT: there are no rules of this agent in the kernel',
  unknown: () =>
    'UNKNOWN: the config is invalid, and no running agent tells its last good one, so there is nothing to compare with',
};

function titleOf({ state, comparedWith }: NodeStatus): readonly string[] {
  if (comparedWith !== 'last-good-config') return [titles[state]('the config')];
  return [
    'CONFIG INVALID: the one on disk is not in force, and the running agent keeps its last good one',
    titles[state]('that last good config'),
  ];
}

/** One screen for people. `now` is in milliseconds since 1970. */
export function formatNodeStatus(status: NodeStatus, now: number): string {
  return [
    ...titleOf(status),
    '',
    ...row('backend', [`${status.backend.name} (${status.backend.reason})`]),
    ...row('rules', rulesLines(status)),
    ...row('addresses', outputLines(status)),
    ...row('config', configLines(status)),
    ...row('names', nameLines(status)),
    ...row('leftovers', leftoverLines(status.leftovers)),
    ...row('foreign', foreignLines(status.foreign)),
    ...row('crashes', crashLines(status.crashing)),
    ...row('agent', agentLines(status, now)),
    '',
  ].join('\n');
}

const labelWidth = 11;

/** A label and lines beside it. Much in them comes from files, rules and processes of others. */
function row(label: string, lines: readonly string[]): string[] {
  return lines.map((line, index) => `${(index === 0 ? label : '').padEnd(labelWidth)} ${printable(line)}`);
}

/** More of a kind would push the rest off the screen; --output json has all. */
const shownLines = 10;

/** What was found, as far as it fits; `none` where there is nothing. */
function listed(lines: readonly string[], none: string): readonly string[] {
  if (lines.length === 0) return [none];
  if (lines.length <= shownLines) return lines;
  return [...lines.slice(0, shownLines), `and ${lines.length - shownLines} lines more; --output json has all`];
}

function rulesLines({ differences, entries }: NodeStatus): readonly string[] {
  const counts = families.map((family) => {
    const ofFamily = entries.filter((entry) => entry.family === family && entry.count > 0);
    return `${family}: ${ofFamily.map(({ list, count }) => `${list} ${count}`).join(', ') || 'no CIDRs'}`;
  });
  if (entries.length === 0) return ['not compared'];
  return [...listed(differences, 'as they should be'), ...counts];
}

/** No line where the config names no address. */
function outputLines({ outputAddresses: { inUse, idle } }: NodeStatus): readonly string[] {
  const lines = [...idle.map((entry) => `NOT USED: ${entry}`), ...inUse];
  return lines.length === 0 ? [] : listed(lines, '');
}

function configLines({ config, flagsOf }: NodeStatus): readonly string[] {
  return [
    config.files.length > 0 ? config.files.join(', ') : `no file at ${config.path}, defaults apply`,
    ...listed(
      [
        ...config.problems.map((problem) => `error: ${problem}`),
        ...config.warnings.map((warning) => `warning: ${warning}`),
      ],
      'valid',
    ),
    ...(flagsOf === null ? [] : [`read with the flags of the running agent, pid ${flagsOf}`]),
  ];
}

/** Nothing where the config has no names. */
function nameLines({ names, unknownNames }: NodeStatus): readonly string[] {
  const known = names.map(({ name, addresses, answered, failure }) => {
    const none = answered || failure !== null ? 'no address' : 'not answered yet';
    const shown = addresses.join(', ') || none;
    return `${name}: ${shown}${failure === null ? '' : `; DNS does not answer: ${failure}`}`;
  });
  const told = new Set(names.map(({ name }) => name));
  const unknown = unknownNames.filter((name) => !told.has(name));
  const lines = [
    ...known,
    ...unknown.map(
      (name) => `${name}: not known, since no running agent says; what the rules have for it is taken as it is`,
    ),
  ];
  return lines.length === 0 ? [] : listed(lines, '');
}

function leftoverLines({ found, failures }: NodeStatus['leftovers']): readonly string[] {
  return [...listed(found, 'none in any backend'), ...failures.map((why) => `not searched: ${why}`)];
}

function foreignLines(foreign: NodeStatus['foreign']): readonly string[] {
  if (!foreign) return ['not searched: without a config it is not known what this agent keeps'];
  const nothing = 'no other rule was found that masquerades what this agent keeps';
  return [
    ...listed(foreign.found.flatMap(foreignRuleLines), nothing),
    ...foreign.failures.map((why) => `not searched: ${why}`),
    ...(foreign.complete ? [] : ['there was more to read than is reasonable: some chains were not searched']),
  ];
}

function foreignRuleLines({ backend, families: caught, place, rule, note }: ForeignRule): readonly string[] {
  return [`${backend} ${caught.join('+')} ${place}: ${rule}`, `  by ${note}`];
}

/** The oldest nft that is known to read everything of today. */
const readsAll = '1.1.2';

function crashLines({ found, failures }: NodeStatus['crashing']): readonly string[] {
  const serious = found.filter(({ crashes }) => crashes !== '0.9.8');
  const others = found.filter((one) => !serious.includes(one)).map(({ table }) => table);
  return [
    ...listed(serious.map(crashLine), 'no table of another program is known to crash any but a very old nft'),
    ...(serious.length === 0
      ? []
      : [
          `  update nft to ${readsAll} or later on the host and in its containers, or have the table's owner write sets as`,
          '  `typeof ip daddr` instead of `type ipv4_addr`, and no anonymous maps',
        ]),
    ...(others.length === 0 ? [] : [`nft 0.9.8, as in Debian 11, crashes on ${shortList(others)}`]),
    ...failures.map((why) => `not searched: ${why}`),
  ];
}

function crashLine({ table, crashes, sets, anonymous }: CrashingTable): string {
  const unnamed = anonymous === 0 ? [] : [`${anonymous} in rules, without a name`];
  const objects = [shortList(sets), ...unnamed].filter(Boolean).join(' and ');
  return `WARNING: ${table}: its sets or maps crash nft up to ${crashes} whenever that reads or changes any rules here: ${objects}`;
}

const shownNames = 4;

function shortList(names: readonly string[]): string {
  const rest = names.length - shownNames;
  return rest <= 0 ? names.join(', ') : `${names.slice(0, shownNames).join(', ')} and ${rest} more`;
}

function agentLines({ agents }: NodeStatus, now: number): readonly string[] {
  if (agents.length === 0) return ['none seen running from here; rules stay without one, but nobody repairs them'];
  return [
    ...(agents.length > 1 ? ['MORE THAN ONE AGENT RUNS HERE: each undoes what another does'] : []),
    ...agents.flatMap((agent) => agentBlock(agent, now)),
  ];
}

function agentBlock({ pid, startedAt, report }: RunningAgent, now: number): readonly string[] {
  const running = `pid ${pid}, running since ${moment(startedAt, now)}`;
  if (typeof report === 'string') return [running, `says nothing of itself: ${report}`];
  return [running, ...reportLines(report, now)];
}

function reportLines(report: AgentReport, now: number): readonly string[] {
  const { config, failure, driftRepairs, lastDriftRepairAt, connections, anotherAgent, listenFailures } = report;
  return [
    `version ${report.version}, ${report.ready ? 'ready' : `not ready: ${report.reason}`}`,
    `config accepted ${moment(config.acceptedAt, now)}`,
    ...(config.fallback
      ? [
          `CONFIG DELETED ${moment(config.fallback.since, now)}, defaults apply: ${config.fallback.lostFiles.join(', ')}`,
        ]
      : []),
    ...(config.rejectedAt === null ? [] : [`config on disk REJECTED ${moment(config.rejectedAt, now)}`]),
    `rules written ${moment(report.lastApplyAt, now)}, last found right ${moment(report.lastSyncAt, now)}`,
    `drift repairs: ${driftRepairs}${driftRepairs > 0 ? `, the last ${moment(lastDriftRepairAt, now)}` : ''}`,
    ...(connections ? [connectionsLine(connections, now)] : []),
    ...(anotherAgent
      ? [
          `ANOTHER ip-masq-agent WITH ANOTHER CONFIG seen ${moment(anotherAgent.lastAt, now)}: ${anotherAgent.sign}`,
          ...(anotherAgent.changedBy === null ? [] : [`  by ${anotherAgent.changedBy}`]),
        ]
      : []),
    ...listenFailures.map(({ reason, since }) => `NOT SERVING since ${moment(since, now)}: ${reason}`),
    ...(failure
      ? [`FAILING since ${moment(failure.since, now)}, reconciles in a row: ${failure.count}: ${failure.message}`]
      : []),
  ];
}

function connectionsLine(
  { masqueraded, kept, otherwise, portShare, sampledAt }: NonNullable<AgentReport['connections']>,
  now: number,
): string {
  const ports = `source ports towards one destination: ${(portShare * 100).toFixed(portShare < 0.1 ? 1 : 0)} % at most`;
  return `connections: ${masqueraded} masqueraded, ${kept} kept, ${otherwise} judged otherwise; ${ports}; sampled ${moment(sampledAt, now)}`;
}

/** `2026-01-02 03:04:05 UTC (1h2m3s ago)`, or `never`. */
function moment(time: string | null, now: number): string {
  if (time === null) return 'never';
  const at = Date.parse(time);
  const ago = BigInt(Math.max(0, Math.round((now - at) / 1000))) * 1_000_000_000n;
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC (${formatDuration(ago)} ago)`;
}
