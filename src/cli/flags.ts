import type { BackendName } from '../backends/backend.ts';
import { AgentError } from '../errors.ts';
import { parseDuration } from '../net/duration.ts';
import { type PortRange, parsePortRanges } from '../net/port-range.ts';
import type { LogFormat, LogLevel } from '../telemetry/log.ts';
import { parseGoBoolean } from './flag-grammar.ts';

/** What the text of a flag came to; `invalid` says what would be valid. */
type FlagReading<T> = { readonly value: T } | { readonly invalid: string };

/** A flag that the command line knows: how its text becomes a value, and what --help says of it. */
export interface Flag<T> {
  readonly boolean: boolean;
  /** What stands for the value in --help. */
  readonly placeholder: string;
  readonly help: string;
  readonly parse: (text: string) => FlagReading<T>;
}

/** A reading of a value that is undefined where the text is not valid. */
function valid<T>(value: T | undefined, expected: string): FlagReading<T> {
  return value === undefined ? { invalid: `expected ${expected}` } : { value };
}

function booleanFlag(help: string): Flag<boolean> {
  const words = 'one of 1, t, T, true, TRUE, True, 0, f, F, false, FALSE, False';
  return { boolean: true, placeholder: '', help, parse: (text) => valid(parseGoBoolean(text), words) };
}

function textFlag(placeholder: string, help: string): Flag<string> {
  return { boolean: false, placeholder, help, parse: (value) => ({ value }) };
}

function choiceFlag<const T extends string>(choices: readonly T[], help: string): Flag<T> {
  return {
    boolean: false,
    placeholder: choices.join('|'),
    help,
    parse: (text) =>
      valid(
        choices.find((choice) => choice === text),
        `one of ${choices.join(', ')}`,
      ),
  };
}

/** iptables allows 28 characters; the built-in names would make the agent rewrite chains that are not its own. */
const builtInChains = new Set([
  'PREROUTING',
  'INPUT',
  'FORWARD',
  'OUTPUT',
  'POSTROUTING',
  'ACCEPT',
  'DROP',
  'RETURN',
  'QUEUE',
]);

function parseChainName(text: string): FlagReading<string> {
  const isName = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,27}$/.test(text) && !builtInChains.has(text.toUpperCase());
  return valid(
    isName ? text : undefined,
    '1 to 28 characters of A-Za-z0-9_-, not the name of a built-in chain or target',
  );
}

/** A Go duration, or whole seconds as Azure's agent takes them, in milliseconds. */
function parseInterval(text: string): FlagReading<number | undefined> {
  const nanoseconds = /^\d{1,9}$/.test(text) ? BigInt(text) * 1_000_000_000n : parseDuration(text);
  const isLongEnough = nanoseconds !== undefined && nanoseconds >= 1_000_000_000n;
  return valid(
    isLongEnough ? Number(nanoseconds / 1_000_000n) : undefined,
    'at least 1s, as a Go duration such as 1m30s or in whole seconds',
  );
}

function parseListenAddress(text: string): FlagReading<string> {
  const port = /^(?:\[[0-9A-Fa-f:.]+\]|[^:\s[\]]*):(?<port>\d{1,5})$/.exec(text)?.groups?.['port'];
  const isAddress = text === '' || (port !== undefined && Number(port) <= 65_535);
  return valid(isAddress ? text : undefined, 'host:port, e.g. 127.0.0.1:9090 or [::1]:9090');
}

function parseToPorts(text: string): FlagReading<readonly PortRange[]> {
  const reading = parsePortRanges(text);
  return reading.ok ? { value: reading.ranges } : { invalid: reading.message };
}

/** The value of every flag, by the name it has on the command line. */
export interface Flags {
  readonly backend: BackendName | 'auto';
  readonly config: string;
  readonly 'masq-chain': string;
  readonly 'nomasq-all-reserved-ranges': boolean;
  readonly 'enable-ipv6': boolean;
  readonly 'random-fully': boolean;
  readonly 'to-ports': readonly PortRange[];
  /** Milliseconds; undefined: the config decides. */
  readonly 'resync-interval': number | undefined;
  /** host:port; empty: off. */
  readonly 'metrics-bind-address': string;
  readonly 'healthz-bind-address': string;
  readonly 'log-level': LogLevel;
  readonly 'log-format': LogFormat;
  /** Source ports per destination that a cloud's gateway leaves the node; undefined: as many as there are. */
  readonly 'snat-port-budget': number | undefined;
  readonly 'connection-sampling': boolean;
  /** Empty: delete nothing. */
  readonly rejudge: '' | 'udp' | 'all';
  readonly once: boolean;
  readonly cleanup: boolean;
  readonly output: 'text' | 'json';
  readonly src: string;
  readonly dst: string;
  readonly proto: string;
  readonly version: boolean;
  readonly help: boolean;
}

export type FlagName = keyof Flags;

export const defaultFlags: Flags = {
  backend: 'auto',
  config: '/etc/config',
  'masq-chain': 'IP-MASQ-AGENT',
  'nomasq-all-reserved-ranges': false,
  'enable-ipv6': false,
  'random-fully': true,
  'to-ports': [],
  'resync-interval': undefined,
  'metrics-bind-address': '',
  'healthz-bind-address': '',
  'log-level': 'info',
  'log-format': 'text',
  'snat-port-budget': undefined,
  'connection-sampling': true,
  rejudge: '',
  once: false,
  cleanup: false,
  output: 'text',
  src: '',
  dst: '',
  proto: '',
  version: false,
  help: false,
};

/** Every flag of every command, in the order of --help. */
export const flagTable: { readonly [Name in FlagName]: Flag<Flags[Name]> } = {
  backend: choiceFlag(['auto', 'nft', 'iptables-nft', 'iptables-legacy'], 'how rules reach the kernel'),
  config: textFlag('PATH', 'a file, or a directory whose files named ip-masq* are merged'),
  'masq-chain': {
    boolean: false,
    placeholder: 'NAME',
    help: 'name of the iptables chain',
    parse: parseChainName,
  },
  'nomasq-all-reserved-ranges': booleanFlag('keep the source address towards all RFC-reserved IPv4 ranges by default'),
  'enable-ipv6': booleanFlag('masquerade IPv6 too'),
  'random-fully': booleanFlag('choose source ports at random'),
  'to-ports': {
    boolean: false,
    placeholder: 'RANGES',
    help: 'source ports of masqueraded tcp, udp and sctp, e.g. 1024-29999,32768-65535',
    parse: parseToPorts,
  },
  'resync-interval': {
    boolean: false,
    placeholder: 'DURATION',
    help: "overrides the config's resyncInterval; a Go duration, or whole seconds",
    parse: parseInterval,
  },
  'metrics-bind-address': {
    boolean: false,
    placeholder: 'HOST:PORT',
    help: 'serve /metrics there (off by default)',
    parse: parseListenAddress,
  },
  'healthz-bind-address': {
    boolean: false,
    placeholder: 'HOST:PORT',
    help: 'serve /healthz, /readyz and /configz there (off by default)',
    parse: parseListenAddress,
  },
  'log-level': choiceFlag(['error', 'warn', 'info', 'debug'], 'least important lines to log'),
  'log-format': choiceFlag(['text', 'json'], 'log lines for people or for machines'),
  'snat-port-budget': {
    boolean: false,
    placeholder: 'N',
    help: "source ports per destination that a cloud's gateway leaves this node",
    parse: (text) =>
      valid(/^\d{1,5}$/.test(text) && Number(text) > 0 ? Number(text) : undefined, 'a number of ports such as 1024'),
  },
  'connection-sampling': booleanFlag('look at the live connections from time to time, for the metrics'),
  rejudge: choiceFlag(['udp', 'all'], 'connections: delete those that are judged otherwise now; all: of TCP too'),
  once: booleanFlag('run: apply once and exit'),
  cleanup: booleanFlag('the same as the command cleanup'),
  output: choiceFlag(['text', 'json'], 'validate, explain, status, connections: output for people or for machines'),
  src: textFlag('ADDRESS', 'explain: source of the connection'),
  dst: textFlag('ADDRESS', 'explain: destination of the connection'),
  proto: textFlag('NAME', 'explain: protocol of the connection (any by default)'),
  version: booleanFlag('print the version'),
  help: booleanFlag('print this help'),
};

/** The value of one flag's text. Throws USAGE that says what would be valid. */
export function parseFlag<T>(name: string, flag: Flag<T>, text: string): T {
  const reading = flag.parse(text);
  if ('invalid' in reading) {
    throw new AgentError('USAGE', `invalid value ${JSON.stringify(text)} for --${name}: ${reading.invalid}`);
  }
  return reading.value;
}
