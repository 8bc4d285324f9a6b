import { formatAddress } from '../net/cidr.ts';
import { families } from '../net/family.ts';
import {
  type FamilyPolicy,
  type ListName,
  listNames,
  type Policy,
  type PolicyEntry,
  type PolicyOutput,
} from './policy.ts';

/** What one list of one policy gained and lost against another. */
export interface ListChange {
  readonly list: ListName;
  readonly added: readonly PolicyEntry[];
  readonly removed: readonly PolicyEntry[];
}

/** What changed between two policies, for the log. `settings` are `name: old -> new`. */
export interface PolicyChanges {
  readonly lists: readonly ListChange[];
  readonly settings: readonly string[];
}

/** Compares two policies. Against `undefined`, everything is new. Order and provenance alone are no change. */
export function policyChanges(before: Policy | undefined, after: Policy): PolicyChanges {
  return {
    lists: listNames.flatMap((list) => listChange(list, before, after)),
    settings: settingChanges(before, after),
  };
}

function listChange(list: ListName, before: Policy | undefined, after: Policy): ListChange[] {
  const old = before ? entriesByText(before, list) : new Map<string, PolicyEntry>();
  const current = entriesByText(after, list);
  const added = [...current].filter(([text]) => !old.has(text)).map(([, entry]) => entry);
  const removed = [...old].filter(([text]) => !current.has(text)).map(([, entry]) => entry);
  return added.length + removed.length > 0 ? [{ list, added, removed }] : [];
}

function entriesByText(policy: Policy, list: ListName): Map<string, PolicyEntry> {
  return new Map(families.flatMap((family) => policy[family][list].map((entry) => [entry.cidr.text, entry] as const)));
}

function settingChanges(before: Policy | undefined, after: Policy): string[] {
  if (!before) return [];
  const old = new Map(settingsOf(before));
  return settingsOf(after).flatMap(([name, value]) =>
    old.get(name) === value ? [] : [`${name}: ${old.get(name)} -> ${value}`],
  );
}

/** The fields of a family that are true or false. */
type SwitchName = {
  [Name in keyof FamilyPolicy]: FamilyPolicy[Name] extends boolean ? Name : never;
}[keyof FamilyPolicy];

/** All of them, with what they are called: without one, two different policies would pass for the same. */
const switches: Readonly<Record<SwitchName, (policy: FamilyPolicy) => [name: string, value: boolean]>> = {
  enabled: ({ enabled }) => ['enabled', enabled],
  masqueradeLinkLocal: ({ masqueradeLinkLocal }) => ['masquerade link-local', masqueradeLinkLocal],
  masqueradeOutbound: ({ masqueradeOutbound }) => ['masquerade outbound', masqueradeOutbound],
};

function settingsOf(policy: Policy): [name: string, value: string][] {
  const ofFamily = (family: FamilyPolicy): [string, string][] =>
    Object.values(switches).map((read) => {
      const [name, value] = read(family);
      return [`${family.family} ${name}`, String(value)];
    });
  const ports = policy.toPorts.map(({ first, last }) => `${first}-${last}`).join(',') || 'any';
  return [
    ...ofFamily(policy.ipv4),
    ...ofFamily(policy.ipv6),
    ['random-fully', String(policy.randomFully)],
    ['to-ports', ports],
    ['output addresses', families.flatMap((family) => policy[family].outputs.map(describeOutput)).join('; ') || 'none'],
  ];
}

/** `192.0.2.10 to 203.0.113.0/24 from 10.1.0.0/16`. */
export function describeOutput({ address: { family, value }, destinations, sources }: PolicyOutput): string {
  const listed = (word: string, entries: readonly PolicyEntry[]): string =>
    entries.length > 0 ? ` ${word} ${entries.map(({ cidr }) => cidr.text).join(', ')}` : '';
  return `${formatAddress(family, value)}${listed('to', destinations)}${listed('from', sources)}`;
}

/** Whether two policies ask for the same rules in the same order; where their entries were written does not count. */
export function samePolicy(one: Policy, other: Policy): boolean {
  // Each resync asks, and the lists may be long.
  if (one === other) return true;
  const textsOf = (policy: Policy): string[] =>
    families.flatMap((family) =>
      listNames.flatMap((list) => [list, ...policy[family][list].map(({ cidr }) => cidr.text)]),
    );
  const [texts, others] = [textsOf(one), textsOf(other)];
  return (
    settingChanges(one, other).length === 0 &&
    texts.length === others.length &&
    texts.every((text, index) => text === others[index])
  );
}
