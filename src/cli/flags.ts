import { AgentError } from '../errors.ts';
import { parseDuration } from '../net/duration.ts';
import { type PortRange, parsePortRanges } from '../net/port-range.ts';

/** What the text of a flag came to; `invalid` says what would be valid. */
type FlagReading<T> = { readonly value: T } | { readonly invalid: string };

/** A flag that the command line knows. */
export interface Flag<T> {
  readonly default: T;
  readonly help: string;
  /** Booleans take their value after `=` only. */
  readonly isBoolean: boolean;
  /** What stands for the value in --help; empty for a boolean. */
  readonly placeholder: string;
  /** The words that are valid, where there are only so many. */
  readonly choices: readonly string[];
  /** The one command that heeds it; undefined where several do. */
  readonly command?: string;
  readonly parse: (text: string) => FlagReading<T>;
}

/** Every flag of every command, in the order of --help. */
export const flagTable = {
  backend: choice(['auto', 'nft', 'iptables-nft', 'iptables-legacy'], 'auto', 'how rules reach the kernel'),
  config: text('PATH', '/etc/config', 'a file, or a directory whose files named ip-masq* are merged'),
  'masq-chain': parsed(parseChainName, 'NAME', 'IP-MASQ-AGENT', 'name of the iptables chain'),
  'nomasq-all-reserved-ranges': boolean(
    false,
    'keep the source address towards all RFC-reserved IPv4 ranges by default',
  ),
  'enable-ipv6': boolean(false, 'masquerade IPv6 too'),
  'random-fully': boolean(true, 'choose source ports at random'),
  'to-ports': parsed<readonly PortRange[]>(
    parseToPorts,
    'RANGES',
    [],
    'source ports of masqueraded tcp, udp and sctp, e.g. 1024-29999,32768-65535',
  ),
  /** Milliseconds; undefined: the config decides. */
  'resync-interval': parsed<number | undefined>(
    parseInterval,
    'DURATION',
    undefined,
    "overrides the config's resyncInterval; a Go duration, or whole seconds",
  ),
  /** Undefined: as many as there are. */
  'snat-port-budget': parsed<number | undefined>(
    parsePortBudget,
    'N',
    undefined,
    "source ports per destination that a cloud's gateway leaves this node",
  ),
  'connection-sampling': boolean(true, 'look at the live connections from time to time, for the metrics'),
  'allow-names': boolean(true, 'allow DNS names among destinations'),
  /** host:port; empty: off. */
  'metrics-bind-address': parsed(parseListenAddress, 'HOST:PORT', '', 'serve /metrics there (off by default)'),
  'healthz-bind-address': parsed(
    parseListenAddress,
    'HOST:PORT',
    '',
    'serve /livez, /readyz, /healthz, /statusz, /flagz and /configz there (off by default)',
  ),
  'log-level': choice(['error', 'warn', 'info', 'debug'], 'info', 'least important lines to log'),
  'log-format': choice(['text', 'json'], 'text', 'log lines for people or for machines'),
  output: choice(['text', 'json'], 'text', 'answers of commands for people or for machines'),
  once: of('run', boolean(false, 'apply once and exit')),
  src: of('explain', text('ADDRESS', '', 'source of the connection')),
  dst: of('explain', text('ADDRESS', '', 'destination of the connection')),
  proto: of('explain', text('NAME', '', 'protocol of the connection (any by default)')),
  /** Empty: delete nothing. */
  rejudge: of(
    'connections',
    choice<'' | 'udp' | 'all'>(
      ['udp', 'all'],
      '',
      'delete those that are judged otherwise now, which breaks those of TCP',
    ),
  ),
  stay: of('cleanup', boolean(false, 'once clean, serve health and wait for SIGTERM, as a DaemonSet must')),
  cleanup: boolean(false, 'the same as the command cleanup'),
  version: boolean(false, 'print the version'),
  help: boolean(false, 'print this help'),
};

export type FlagName = keyof typeof flagTable;

type ValueOf<F> = F extends Flag<infer T> ? T : never;

/** The value of every flag, by the name it has on the command line. */
export type Flags = { readonly [Name in FlagName]: ValueOf<(typeof flagTable)[Name]> };

/** Other names of flags: the short one of Go, and that of Kubernetes' component-base. */
const aliases: Readonly<Record<string, FlagName>> = { h: 'help', 'logging-format': 'log-format' };

/**
 * The flags of Kubernetes' klog, which manifests written for upstream pass along: accepted and ignored, but for `v`.
 * True marks those that are boolean.
 */
export const klogFlags: Readonly<Record<string, boolean>> = {
  'add-dir-header': true,
  alsologtostderr: true,
  'log-backtrace-at': false,
  'log-dir': false,
  'log-file': false,
  'log-file-max-size': false,
  'log-flush-frequency': false,
  'log-json-info-buffer-size': false,
  'log-json-split-stream': true,
  logtostderr: true,
  'one-output': true,
  'skip-headers': true,
  'skip-log-headers': true,
  stderrthreshold: false,
  v: false,
  vmodule: false,
};

/** The flag of that name or alias; undefined where it is none of ours. */
export function flagNamed(name: string): FlagName | undefined {
  if (isFlagName(name)) return name;
  return Object.hasOwn(aliases, name) ? aliases[name] : undefined;
}

function isFlagName(name: string): name is FlagName {
  return Object.hasOwn(flagTable, name);
}

/** Every name that may stand after the dashes. */
export const allFlagNames: readonly string[] = [flagTable, aliases, klogFlags].flatMap((table) => Object.keys(table));

/** The defaults, of which one depends on what the program is called: Baidu's agent masquerades IPv6 unasked. */
export function defaultFlags(program = 'ip-masq-agent'): Flags {
  const values = Object.entries(flagTable).map(([name, flag]) => [name, flag.default]);
  // The names are those of the table, which fromEntries() forgets.
  const defaults = Object.fromEntries(values) as Flags;
  return program === 'cce-ip-masq-agent' ? { ...defaults, 'enable-ipv6': true } : defaults;
}

/** The flags with one of them set as its text says. Throws USAGE that says what would be valid. */
export function withFlag(flags: Flags, name: FlagName, text: string): Flags {
  const reading = flagTable[name].parse(text);
  if ('invalid' in reading) {
    throw new AgentError('USAGE', `invalid value ${JSON.stringify(text)} for --${name}: ${reading.invalid}`);
  }
  return { ...flags, [name]: reading.value };
}

/** klog's verbosity from which it tells as much as our debug level. */
const debugVerbosity = 4;

/** The log level that klog's `--v=N` asks for. Throws USAGE where the text is no number. */
export function levelOfVerbosity(text: string): Flags['log-level'] {
  if (!/^-?\d+$/.test(text))
    throw new AgentError('USAGE', `invalid value ${JSON.stringify(text)} for --v: expected a whole number`);
  return Number(text) >= debugVerbosity ? 'debug' : 'info';
}

function parsed<T>(parse: Flag<T>['parse'], placeholder: string, byDefault: T, help: string): Flag<T> {
  return { default: byDefault, help, isBoolean: false, placeholder, choices: [], parse };
}

function text(placeholder: string, byDefault: string, help: string): Flag<string> {
  return parsed((value) => ({ value }), placeholder, byDefault, help);
}

function choice<const T extends string>(choices: readonly T[], byDefault: T, help: string): Flag<T> {
  const parse = (given: string): FlagReading<T> => {
    const found = choices.find((word) => word === given);
    return valid(found, `one of ${choices.join(', ')}`);
  };
  return { ...parsed(parse, 'WORD', byDefault, help), choices };
}

function boolean(byDefault: boolean, help: string): Flag<boolean> {
  return { ...parsed(parseGoBoolean, '', byDefault, help), isBoolean: true };
}

/** A flag that only one command heeds. */
function of<T>(command: string, flag: Flag<T>): Flag<T> {
  return { ...flag, command };
}

/** A reading of a value that is undefined where the text is not valid. */
function valid<T>(value: T | undefined, expected: string): FlagReading<T> {
  return value === undefined ? { invalid: `expected ${expected}` } : { value };
}

/** Go's strconv.ParseBool. */
function parseGoBoolean(given: string): FlagReading<boolean> {
  const words = { true: ['1', 't', 'T', 'true', 'TRUE', 'True'], false: ['0', 'f', 'F', 'false', 'FALSE', 'False'] };
  if (words.true.includes(given)) return { value: true };
  return valid(words.false.includes(given) ? false : undefined, `one of ${[...words.true, ...words.false].join(', ')}`);
}

/** iptables allows 28 characters; the built-in names would make the agent rewrite chains that are not its own. */
function parseChainName(given: string): FlagReading<string> {
  const chains = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'];
  const targets = ['ACCEPT', 'DROP', 'RETURN', 'QUEUE'];
  const isName =
    /^[A-Za-z0-9_][A-Za-z0-9_-]{0,27}$/.test(given) && ![...chains, ...targets].includes(given.toUpperCase());
  return valid(
    isName ? given : undefined,
    '1 to 28 characters of A-Za-z0-9_-, not the name of a built-in chain or target',
  );
}

/** A Go duration, or whole seconds as Azure's agent takes them, in milliseconds. */
function parseInterval(given: string): FlagReading<number | undefined> {
  const nanoseconds = /^\d{1,9}$/.test(given) ? BigInt(given) * 1_000_000_000n : parseDuration(given);
  const isLongEnough = nanoseconds !== undefined && nanoseconds >= 1_000_000_000n;
  return valid(
    isLongEnough ? Number(nanoseconds / 1_000_000n) : undefined,
    'at least 1s, as a Go duration such as 1m30s or in whole seconds',
  );
}

function parsePortBudget(given: string): FlagReading<number | undefined> {
  const ports = /^\d{1,5}$/.test(given) ? Number(given) : 0;
  return valid(ports >= 1 && ports <= 65_535 ? ports : undefined, 'a number of ports from 1 to 65535, such as 1024');
}

function parseListenAddress(given: string): FlagReading<string> {
  const port = /^(?:\[[0-9A-Fa-f:.]+\]|[^:\s[\]]*):(?<port>\d{1,5})$/.exec(given)?.groups?.['port'];
  const isAddress = given === '' || (port !== undefined && Number(port) <= 65_535);
  return valid(isAddress ? given : undefined, 'host:port, e.g. 127.0.0.1:9090 or [::1]:9090');
}

function parseToPorts(given: string): FlagReading<readonly PortRange[]> {
  const reading = parsePortRanges(given);
  return reading.ok ? { value: reading.ranges } : { invalid: reading.message };
}
