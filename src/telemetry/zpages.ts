import { formatProblem } from '../config/problems.ts';
import { describeEntryCounts } from '../policy/policy.ts';
import { printable } from '../text.ts';
import type { AgentState } from './agent-state.ts';
import { readiness } from './health.ts';
import { statusOfName } from './name-report.ts';

/** The head of a page, word for word that of Kubernetes' components (component-base's zpages). */
function headOf(page: 'statusz' | 'flagz'): string {
  const warning =
    'Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.';
  return `\nip-masq-agent ${page}\n${warning}\n`;
}

/** What is shown of the agent at /statusz: the lines of KEP-4827, then those of this agent. */
export function statuszText(state: AgentState, paths: readonly string[], now: number): string {
  const { startedAt, agent, config, rejection, fallback, policy, names, driftRepairs, anotherAgent, listenFailures } =
    state;
  const { ok, reason } = readiness(state);
  const lines: readonly (readonly [string, string | undefined])[] = [
    ['Started', goDate(startedAt.wallClock)],
    ['Up', upTime(now - startedAt.wallClock)],
    ['Node version', process.version],
    ['Binary version', agent?.version],
    ['Paths', [...paths].sort().join(' ')],
    ['Backend', agent && `${agent.backend} (${agent.reason})`],
    ['Ready', ok ? 'yes' : `no, ${reason}`],
    ['Config', config && (config.reading.files.join(', ') || 'no file, defaults apply')],
    ['Config rejected', rejection?.reading.problems.map(formatProblem).join('; ')],
    ['Config deleted', fallback?.lostFiles.join(', ')],
    ['Entries', policy && describeEntryCounts(policy)],
    ['Names', names.map((name) => `${name.name}: ${statusOfName(name)}`).join(', ') || undefined],
    ['Last in sync', state.lastSyncAt && goDate(state.lastSyncAt.wallClock)],
    ['Last written', state.lastApplyAt && goDate(state.lastApplyAt.wallClock)],
    ['Drift repairs', String(driftRepairs)],
    ['Another agent', anotherAgent?.sign],
    ['Not served', listenFailures.map(({ address, reason: why }) => `${address}: ${why}`).join('; ') || undefined],
  ];
  const shown = lines.flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${printable(value)}`]));
  return [headOf('statusz'), ...shown].join('\n');
}

/** The flags in force at /flagz, as KEP-4828 has them: one a line, by name. */
export function flagzText(flags: ReadonlyMap<string, string>): string {
  const lines = [...flags].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => `${name}=${printable(value)}`);
  return `${headOf('flagz')}\n${lines.join('\n')}`;
}

/** `Wed Oct 16 21:03:43 UTC 2024`, as Go's time.UnixDate prints it. */
function goDate(ms: number): string {
  const [, weekday = '', day = '', month = '', year = '', time = ''] =
    /^(\w+), (\d+) (\w+) (\d+) ([\d:]+) GMT$/.exec(new Date(ms).toUTCString()) ?? [];
  return `${weekday} ${month} ${String(Number(day)).padStart(2)} ${time} UTC ${year}`;
}

/** `0 hr 00 min 16 sec`. */
function upTime(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return `${hours} hr ${String(minutes).padStart(2, '0')} min ${String(rest).padStart(2, '0')} sec`;
}
