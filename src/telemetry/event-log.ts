import type { AgentEvent, ReportEvent } from '../agent-event.ts';
import { formatProblem } from '../config/problem.ts';
import { describeProvenance } from '../config/provenance.ts';
import { families } from '../net/family.ts';
import { type ListChange, policyChanges } from '../policy/changes.ts';
import { type ListName, listNames, type Policy, type PolicyEntry } from '../policy/policy.ts';
import type { Log } from './log.ts';

/** The lists under the names that users write in the config. */
const configKeys: Readonly<Record<ListName, string>> = {
  masqueradeSources: 'masqueradeSrcCIDRs',
  forceMasquerade: 'forceMasqueradeCIDRs',
  keepSources: 'nonMasqueradeSrcCIDRs',
  keepDestinations: 'nonMasqueradeCIDRs',
};

/** Turns events into log lines: what changed and why, and nothing for a pass that changed nothing. */
export function createEventLog(log: Log): ReportEvent {
  return (event) => logEvent(log, event);
}

function logEvent(log: Log, event: AgentEvent): void {
  switch (event.type) {
    case 'started':
      log.info(`ip-masq-agent ${event.version} started`, {
        backend: event.backend,
        reason: event.reason,
        config: event.configPath,
      });
      return;
    case 'config-accepted':
      for (const warning of event.reading.warnings) log.warn(formatProblem(warning));
      log.info('config accepted', {
        files: event.reading.files.length > 0 ? event.reading.files : 'none, defaults apply',
      });
      return;
    case 'config-rejected':
      logRejected(log, event);
      return;
    case 'applied':
      logApplied(log, event);
      return;
    case 'in-sync':
      log.debug('rules in sync', { trigger: event.trigger, took: milliseconds(event.durationMs) });
      return;
    case 'failed':
      log.error(`${event.error.message}. ${event.error.advice}`, {
        code: event.error.code,
        trigger: event.trigger,
        retryIn: milliseconds(event.retryInMs),
      });
      return;
    case 'pass-began':
    case 'waiting':
      return;
    case 'serving':
      log.info('serving HTTP', { address: event.address, paths: event.paths });
      return;
    case 'watch-failed':
      log.warn(`the config can't be watched, changes are seen at the next resync: ${event.reason}`);
      return;
    case 'stopped':
      log.info('stopped; the rules stay in the kernel', { reason: event.reason });
  }
}

/** One entry for the whole rejection, however many mistakes the config has. */
function logRejected(log: Log, { reading, policyKept }: Extract<AgentEvent, { type: 'config-rejected' }>): void {
  const kept = policyKept
    ? 'the last good config stays in force'
    : 'no config was accepted yet, the rules in the kernel are left alone';
  const [first, ...others] = reading.problems.map(formatProblem);
  log.error(`config rejected, ${kept}: ${first ?? 'no reason given'}`, others.length > 0 ? { others } : {});
  for (const warning of reading.warnings) log.warn(formatProblem(warning));
}

function logApplied(log: Log, event: Extract<AgentEvent, { type: 'applied' }>): void {
  const fields = { trigger: event.trigger, took: milliseconds(event.durationMs) };
  if (event.previous === undefined) {
    log.info('rules applied', { ...fields, entries: entryCounts(event.policy) });
    return;
  }
  const { lists, settings } = policyChanges(event.previous, event.policy);
  if (lists.length + settings.length === 0) {
    log.warn('rules had been changed by somebody else and were repaired', {
      ...fields,
      differences: event.differences,
    });
    return;
  }
  log.info('rules changed', {
    ...fields,
    ...Object.fromEntries(lists.flatMap(changeFields)),
    ...(settings.length > 0 ? { settings } : {}),
  });
}

function entryCounts(policy: Policy): string {
  const counts = listNames.flatMap((list) => {
    const count = families.reduce((sum, family) => sum + policy[family][list].length, 0);
    return count > 0 ? [`${configKeys[list]}:${count}`] : [];
  });
  return counts.join(',') || 'none';
}

/** More CIDRs than this in one line help nobody. */
const shownEntries = 20;

function changeFields({ list, added, removed }: ListChange): [string, readonly string[]][] {
  const field = (verb: string, entries: readonly PolicyEntry[]): [string, readonly string[]][] =>
    entries.length === 0 ? [] : [[`${configKeys[list]} ${verb}`.replace(' ', '.'), shown(entries)]];
  return [...field('added', added), ...field('removed', removed)];
}

function shown(entries: readonly PolicyEntry[]): string[] {
  const texts = entries
    .slice(0, shownEntries)
    .map(({ cidr, source }) => `${cidr.text} (${describeProvenance(source)})`);
  return entries.length > shownEntries ? [...texts, `and ${entries.length - shownEntries} more`] : texts;
}

function milliseconds(duration: number): string {
  return `${Math.round(duration)}ms`;
}
