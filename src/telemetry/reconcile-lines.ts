import type { Recovery } from '../agent/events.ts';
import { describeSource } from '../config/source.ts';
import { families } from '../net/family.ts';
import { type ListChange, policyChanges } from '../policy/changes.ts';
import { describeFlips } from '../policy/format-diff.ts';
import { describeEntryCounts, familyNames, listKeys, type PolicyEntry } from '../policy/policy.ts';
import type { LogFields } from './log.ts';
import { changedBy, type Events, type Line, type LineContext, milliseconds, shortened } from './log-line.ts';

/** What is logged of rules that were written: of the first ones, of a repair, or of a change and what it flipped. */
export function appliedLines(event: Events['applied'], context: LineContext): readonly Line[] {
  return [appliedLine(event, context), ...turnovers(event), ...context.takeRemarks(event.policy)];
}

function appliedLine(event: Events['applied'], context: LineContext): Line {
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
export function inSyncLine(
  { trigger, policy, verifiedBy, recovery, durationMs }: Events['in-sync'],
  context: LineContext,
): Line {
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

function changeFields({ list, added, removed }: ListChange): [string, readonly string[]][] {
  const field = (verb: string, entries: readonly PolicyEntry[]): [string, readonly string[]][] =>
    entries.length === 0 ? [] : [[`${listKeys[list]}.${verb}`, shortened(entries.map(describeEntry))]];
  return [...field('added', added), ...field('removed', removed)];
}

function describeEntry({ cidr, source, name }: PolicyEntry): string {
  return `${cidr.text} (${name === undefined ? '' : `${name}, `}${describeSource(source)})`;
}
