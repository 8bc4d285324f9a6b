import type { ForeignRule } from '../backends/foreign/foreign-masquerade.ts';
import { formatDuration } from '../net/duration.ts';
import { families } from '../net/family.ts';
import type { AgentReport } from './agent-report.ts';
import type { HostStatus, RunningAgent } from './host-status.ts';

const titles: Readonly<Record<HostStatus['state'], string>> = {
  'in-sync': 'IN SYNC: the kernel holds what the config asks for',
  drifted: 'DRIFTED: the kernel does not do what the config asks for',
  absent: 'ABSENT: there are no rules of this agent in the kernel',
  unknown: 'UNKNOWN: the config is invalid, so there is nothing to compare the kernel with',
};

/** One screen for people. `now` is in milliseconds since 1970. */
export function formatHostStatus(status: HostStatus, now: number): string {
  return [
    titles[status.state],
    '',
    ...row('backend', [`${status.backend.name} (${status.backend.reason})`]),
    ...row('rules', rulesLines(status)),
    ...row('config', configLines(status)),
    ...row('leftovers', leftoverLines(status.leftovers)),
    ...row('foreign', foreignLines(status.foreign)),
    ...row('agent', agentLines(status, now)),
    '',
  ].join('\n');
}

const labelWidth = 11;

/** A label and lines beside it. */
function row(label: string, lines: readonly string[]): string[] {
  return lines.map((line, index) => `${(index === 0 ? label : '').padEnd(labelWidth)} ${line}`);
}

/** More of a kind would push the rest off the screen; --output json has all. */
const shownLines = 10;

/** What was found, as far as it fits; `none` where there is nothing. */
function listed(lines: readonly string[], none: string): readonly string[] {
  if (lines.length === 0) return [none];
  if (lines.length <= shownLines) return lines;
  return [...lines.slice(0, shownLines), `and ${lines.length - shownLines} lines more; --output json has all`];
}

function rulesLines({ differences, entries }: HostStatus): readonly string[] {
  const counts = families.map((family) => {
    const ofFamily = entries.filter((entry) => entry.family === family && entry.count > 0);
    return `${family}: ${ofFamily.map(({ list, count }) => `${list} ${count}`).join(', ') || 'no CIDRs'}`;
  });
  if (entries.length === 0) return ['not compared'];
  return [...listed(differences, 'as they should be'), ...counts];
}

function configLines({ config, flagsOf }: HostStatus): readonly string[] {
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

function leftoverLines({ found, failures }: HostStatus['leftovers']): readonly string[] {
  return [...listed(found, 'none in any backend'), ...failures.map((why) => `not searched: ${why}`)];
}

function foreignLines(foreign: HostStatus['foreign']): readonly string[] {
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

function agentLines({ agents }: HostStatus, now: number): readonly string[] {
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
  const { config, failure, driftRepairs, lastDriftRepairAt } = report;
  return [
    `version ${report.version}, ${report.ready ? 'ready' : `not ready: ${report.reason}`}`,
    `config accepted ${moment(config.acceptedAt, now)}`,
    ...(config.rejectedAt === null ? [] : [`config on disk REJECTED ${moment(config.rejectedAt, now)}`]),
    `rules written ${moment(report.lastApplyAt, now)}, last found right ${moment(report.lastSyncAt, now)}`,
    `drift repairs: ${driftRepairs}${driftRepairs > 0 ? `, the last ${moment(lastDriftRepairAt, now)}` : ''}`,
    ...(failure
      ? [`FAILING since ${moment(failure.since, now)}, passes in a row: ${failure.count}: ${failure.message}`]
      : []),
  ];
}

/** `2026-01-02 03:04:05 UTC (1h2m3s ago)`, or `never`. */
function moment(time: string | null, now: number): string {
  if (time === null) return 'never';
  const at = Date.parse(time);
  const ago = BigInt(Math.max(0, Math.round((now - at) / 1000))) * 1_000_000_000n;
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC (${formatDuration(ago)} ago)`;
}
