import type { AcceptedConfig } from '../../agent/events.ts';
import { type ConfigOptions, type ConfigReading, outputText } from '../../config/config.ts';
import { type ConfigReader, createConfigReader, readConfigText } from '../../config/load.ts';
import { problemAt } from '../../config/problems.ts';
import { subPathWarnings } from '../../config/sub-path.ts';
import { AgentError } from '../../errors.ts';
import type { Cidr } from '../../net/cidr.ts';
import { formatDuration } from '../../net/duration.ts';
import type { NodeAddress } from '../../net/node-address.ts';
import type { PodRoute } from '../../net/pod-route.ts';
import { buildPolicy } from '../../policy/build.ts';
import { lintPolicy } from '../../policy/lint.ts';
import { chooseAddress } from '../../policy/node-address.ts';
import type { Answers } from '../../policy/node-facts.ts';
import { lintPodNetworks } from '../../policy/pod-network-lint.ts';
import type { Policy } from '../../policy/policy.ts';
import { readNodeAddresses } from '../../system/address-source.ts';
import type { CommandContext } from '../command.ts';
import type { Flags } from '../flags.ts';

/** Gives those of the node's addresses that are in some networks, as they are now. */
export type ReadAddresses = (wanted: readonly Cidr[]) => Promise<readonly NodeAddress[]>;

/** The config as the flags make it: where it is, what they allow in it, and what they override. */
export function configReaderOf(flags: Flags, readAddresses: ReadAddresses = readNodeAddresses): ConfigReader {
  const reader = createConfigReader(flags.config, optionsOf(flags));
  // What is mounted stays mounted for as long as a container runs.
  const mounts = subPathWarnings(flags.config);
  return {
    async read() {
      const reading = await onThisNode(overridden(await reader.read(), flags['resync-interval']), readAddresses);
      const warnings = await mounts;
      return warnings.length === 0 ? reading : { ...reading, warnings: [...warnings, ...reading.warnings] };
    },
  };
}

/**
 * Reads the config that a user names: a file, a directory, or `-` for standard input, which `readInput` gives. Throws
 * CONFIG_ABSENT where nothing is there, which the agent itself would wait for, and where the input is empty: in a
 * container that is a forgotten `exec -i`.
 */
export async function readNamedConfig(
  flags: Flags,
  path: string,
  readInput: () => Promise<Uint8Array>,
): Promise<ConfigReading> {
  if (path === '-') {
    const bytes = await readInput();
    // Of UTF-16, too, some byte is none of these.
    const isBlank = bytes.every((byte) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d));
    if (isBlank) throw new AgentError('CONFIG_ABSENT', 'standard input is empty');
    const reading = readConfigText('standard input', bytes, optionsOf(flags));
    return onThisNode(overridden(reading, flags['resync-interval']));
  }
  const reading = await configReaderOf({ ...flags, config: path }).read();
  if (reading.ok && reading.files.length === 0) throw new AgentError('CONFIG_ABSENT', `there is no config at ${path}`);
  return reading;
}

/** The config that a command goes by: that of --config, where it may be absent, or with `--config -` standard input. */
export function readConfig({ flags, readInput }: Pick<CommandContext, 'flags' | 'readInput'>): Promise<ConfigReading> {
  return flags.config === '-' ? readNamedConfig(flags, '-', readInput) : configReaderOf(flags).read();
}

function optionsOf(flags: Flags): ConfigOptions {
  return {
    enableIPv6: flags['enable-ipv6'],
    nomasqAllReservedRanges: flags['nomasq-all-reserved-ranges'],
    allowNames: flags['allow-names'],
  };
}

function overridden(reading: ConfigReading, intervalMs: number | undefined): ConfigReading {
  if (!reading.ok || intervalMs === undefined) return reading;
  const resyncIntervalMs = { value: intervalMs, source: { flag: 'resync-interval' } };
  const resyncInterval = formatDuration(BigInt(intervalMs) * 1_000_000n);
  return { ...reading, config: { ...reading.config, resyncIntervalMs, resyncInterval } };
}

/**
 * A reading that is another one when the node has got other addresses: then the policy is built anew, at each resync if
 * need be. What a config names and the node has not is among the warnings.
 */
async function onThisNode(
  reading: ConfigReading,
  readAddresses: ReadAddresses = readNodeAddresses,
): Promise<ConfigReading> {
  // With an invalid config, those that the last good one names are still of interest.
  if (!reading.ok) return reading;
  const nodeAddresses = await readAddresses(namedAddresses(reading));
  if (reading.config.outputAddresses.length === 0) return reading;
  const chosen = reading.config.outputAddresses.map((output) => ({
    output,
    choice: chooseAddress(output, nodeAddresses),
  }));
  const idle = chosen.flatMap(({ output, choice }) =>
    'idle' in choice
      ? [problemAt(output.source, { message: `this address is not used: ${choice.idle}`, found: outputText(output) })]
      : [],
  );
  const state = chosen.map(({ choice }) => ('value' in choice ? choice.value : '-')).join();
  return { ...reading, nodeAddresses, warnings: [...reading.warnings, ...idle], digest: `${reading.digest} ${state}` };
}

/** A reading with the addresses that the node has by now. */
export async function withAddressesOfNow(
  reading: AcceptedConfig,
  readAddresses: ReadAddresses,
): Promise<AcceptedConfig> {
  if (reading.config.outputAddresses.length === 0) return reading;
  return { ...reading, nodeAddresses: await readAddresses(namedAddresses(reading)) };
}

function namedAddresses({ config }: AcceptedConfig): readonly Cidr[] {
  return config.outputAddresses.map(({ cidr }) => cidr);
}

/** The policy that the flags make of a config, on the node that it was read on, where names have these answers. */
export function policyOf(flags: Flags, { config, nodeAddresses }: AcceptedConfig, answers?: Answers): Policy {
  const options = {
    enableIPv6: flags['enable-ipv6'],
    randomFully: flags['random-fully'],
    toPorts: flags['to-ports'],
  };
  return buildPolicy(config, options, { addresses: nodeAddresses, answers });
}

/** A reading with what is odd about its policy among the warnings. */
export function linted(flags: Flags, reading: ConfigReading): ConfigReading {
  if (!reading.ok) return reading;
  return {
    ...reading,
    warnings: [...reading.warnings, ...lintPolicy(policyOf(flags, reading), reading.config)],
  };
}

/** A reading with a warning of the Pods that its policy, in force on this node, masquerades towards. */
export function withPodNetworks(reading: ConfigReading, policy: Policy, routes: readonly PodRoute[]): ConfigReading {
  if (!reading.ok) return reading;
  return { ...reading, warnings: [...reading.warnings, ...lintPodNetworks(policy, reading.config, routes)] };
}

/** What `cidrLimit` may be at most, so that lists that several files made together are not too long for one. */
const noLimit = 10_000_000;

/** The policy of an effective config, as a running agent tells it. Undefined where that is none. */
export async function policyOfEffectiveConfig(
  flags: Flags,
  config: Readonly<Record<string, unknown>>,
  answers?: Answers,
): Promise<Policy | undefined> {
  const bytes = Buffer.from(JSON.stringify({ ...config, cidrLimit: noLimit }));
  const reading = await onThisNode(readConfigText('the running agent', bytes, optionsOf(flags)));
  return reading.ok ? policyOf(flags, reading, answers) : undefined;
}
