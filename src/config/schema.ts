// Not all of zod, which takes 4 MB of memory more.
import * as z from 'zod/mini';
import { durationFault, formatDuration, parseDuration } from '../net/duration.ts';
import { defaultCidrLimit, defaultResyncInterval, privateRanges } from './defaults.ts';
import { cidrEntry, destinationEntry, outputAddress, validOutput } from './entries.ts';

/** The keys whose values are lists of destinations: CIDRs and DNS names. */
export const destinationKeys = ['nonMasqueradeCIDRs', 'forceMasqueradeCIDRs', 'masqueradeCIDRs'] as const;

/** The keys whose values are lists of sources: CIDRs. */
export const sourceKeys = ['nonMasqueradeSrcCIDRs', 'masqueradeSrcCIDRs'] as const;

/** The keys whose values are lists, in the order in which they are read. */
export const listKeys = [
  'nonMasqueradeCIDRs',
  'nonMasqueradeSrcCIDRs',
  'forceMasqueradeCIDRs',
  'masqueradeCIDRs',
  'masqueradeSrcCIDRs',
] as const satisfies readonly (DestinationKey | SourceKey)[];

/** The keys whose values are booleans. */
export const booleanKeys = ['masqLinkLocal', 'masqLinkLocalIPv6', 'masqOutBound', 'masqOutBoundIPv6'] as const;

/** The keys that name the address of masqueraded connections: a list of entries, and two that are short for one entry. */
export const outputKeys = ['outputAddresses', 'outputAddress', 'outputAddressIPv6'] as const;

export const configKeys = [
  ...listKeys,
  ...booleanKeys,
  'cidrLimit',
  'resyncInterval',
  'rejudgeConnections',
  ...outputKeys,
] as const;

export type DestinationKey = (typeof destinationKeys)[number];
export type SourceKey = (typeof sourceKeys)[number];
export type ListKey = (typeof listKeys)[number];
export type BooleanKey = (typeof booleanKeys)[number];
export type ConfigKey = (typeof configKeys)[number];

/** The values of `rejudgeConnections`, the mildest first. */
export const rejudgeChoices = ['none', 'udp', 'all'] as const;

const durationForm = {
  pattern: '^[-+]?(0|(([0-9]+\\.?[0-9]*|\\.[0-9]+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h))+)$',
  examples: ['30s', '1m0s', '1h30m'],
};

/**
 * One config file: its keys, their types, defaults and meaning. This is what the published JSON Schema is made from.
 * `null` empties a list and leaves a boolean or the limit as it is, as in Go. An integer is a bigint here, so that 64.5
 * and, in JSON, 64.0 are told from 64.
 */
export function configSchema(allowsIPv6: boolean, allowsNames: boolean) {
  const source = cidrEntry(allowsIPv6);
  const destination = destinationEntry(allowsIPv6, allowsNames);
  const list = z.nullable(z.array(source));
  const destinations = z.nullable(z.array(destination));
  const outputText = outputAddress(allowsIPv6);
  const outputEntry = z.object({
    address: outputText,
    destinations: z.optional(list.check(z.meta({ description: 'For these destinations only. Absent: for all.' }))),
    sources: z.optional(list.check(z.meta({ description: 'For these sources only. Absent: for all.' }))),
  });
  const boolean = z.nullable(z.boolean());
  const object = z.object({
    nonMasqueradeCIDRs: destinations.check(
      z.meta({
        description:
          "Destinations, CIDRs or DNS names, that keep the Pod's source address. Empty ([], blank or null): everything is masqueraded.",
        default: privateRanges,
      }),
    ),
    nonMasqueradeSrcCIDRs: list.check(
      z.meta({
        description: 'Sources that keep their address wherever they go.',
        default: [],
      }),
    ),
    forceMasqueradeCIDRs: destinations.check(
      z.meta({
        description: 'Destinations, CIDRs or DNS names, that are always masqueraded, link-local ones excepted.',
        default: [],
      }),
    ),
    masqueradeCIDRs: destinations.check(
      z.meta({
        description: 'Another name of forceMasqueradeCIDRs, without a limit; both lists count.',
        default: [],
      }),
    ),
    masqueradeSrcCIDRs: list.check(
      z.meta({
        description: 'Only these sources are ever masqueraded. Empty: every source.',
        default: [],
      }),
    ),
    masqLinkLocal: boolean.check(z.meta({ description: 'Masquerade towards 169.254.0.0/16.', default: false })),
    masqLinkLocalIPv6: boolean.check(z.meta({ description: 'Masquerade towards fe80::/10.', default: false })),
    masqOutBound: boolean.check(
      z.meta({
        description: 'False: over IPv4, nothing is masqueraded but forceMasqueradeCIDRs.',
        default: true,
      }),
    ),
    masqOutBoundIPv6: boolean.check(
      z.meta({
        description: 'False: over IPv6, nothing is masqueraded but forceMasqueradeCIDRs.',
        default: true,
      }),
    ),
    cidrLimit: z
      .nullable(z.pipe(z.bigint().check(z.gte(-(2n ** 63n)), z.lte(2n ** 63n - 1n)), z.transform(Number)))
      .check(
        z.meta({
          description: 'Most entries in any one list of a file: a guard against mistakes.',
          default: defaultCidrLimit,
        }),
      ),
    resyncInterval: z
      .pipe(
        z.string().check(z.meta(durationForm)),
        z.transform((text: string, { issues }): bigint => {
          const parsed = parseDuration(text);
          if (parsed !== undefined) return parsed;
          const params = { expected: 'a duration such as 30s or 1m0s' };
          issues.push({ code: 'custom', input: text, message: durationFault(text), params });
          return z.NEVER;
        }),
      )
      .check(
        z.meta({
          description: 'How often the config is read and the rules are checked, besides at each change. A Go duration.',
          default: formatDuration(defaultResyncInterval),
        }),
      ),
    rejudgeConnections: z.nullable(z.enum(rejudgeChoices)).check(
      z.meta({
        description:
          'Which live connections are forgotten when a change of the config makes it judge them otherwise: none, those of UDP, or all. All breaks TCP connections.',
        default: 'none',
      }),
    ),
    outputAddresses: z.nullable(z.array(outputEntry)).check(
      z.meta({
        description:
          'Which of the node\u2019s addresses masqueraded connections get: the first entry that matches by destination and source.',
        default: [],
      }),
    ),
    outputAddress: z
      .nullable(outputText)
      .check(z.meta({ description: 'Short for one entry of outputAddresses for all of IPv4.', default: null })),
    outputAddressIPv6: z
      .nullable(outputText)
      .check(z.meta({ description: 'Short for one entry of outputAddresses for all of IPv6.', default: null })),
  });
  return Object.assign(object, { source, destination, output: outputText });
}

export type ConfigSchema = ReturnType<typeof configSchema>;

/** What is valid for a key, in the words of an error message. */
export function validForm(key: ConfigKey): string {
  if (key === 'cidrLimit') return 'a whole number such as 64, without quotes';
  if (key === 'resyncInterval') return 'a duration such as 30s or 1m0s';
  if (key === 'rejudgeConnections') return rejudgeChoices.join(', ');
  if (key === 'outputAddresses') return 'a list such as [{address: 192.0.2.10, destinations: [203.0.113.0/24]}]';
  if (key === 'outputAddress' || key === 'outputAddressIPv6') return validOutput;
  return isListKey(key) ? 'a list such as [10.0.0.0/8, 172.16.0.0/12]' : 'true or false, without quotes';
}

export function isListKey(key: ConfigKey): key is ListKey {
  return listKeys.some((listKey) => listKey === key);
}

/** The key that a name stands for, in whatever letter case; undefined for an unknown one. */
export function configKeyOf(name: string): ConfigKey | undefined {
  return keysByFoldedName.get(folded(name));
}

/** Simple case folding, as Go's encoding/json does it: `ſ` is an s, and the Kelvin sign, which lower case makes one, a k. */
function folded(name: string): string {
  return name.toLowerCase().replaceAll('ſ', 's');
}

const keysByFoldedName: ReadonlyMap<string, ConfigKey> = new Map(configKeys.map((key) => [folded(key), key]));
