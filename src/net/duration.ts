/** Nanoseconds in each unit of Go's time.ParseDuration; the micro sign comes as U+00B5 and as the Greek U+03BC. */
const units: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['\u00b5s', 1_000n],
  ['\u03bcs', 1_000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
]);

const limit = 1n << 63n;

/** Reads a duration exactly as Go's time.ParseDuration does, in nanoseconds; undefined where Go refuses it. */
export function parseDuration(text: string): bigint | undefined {
  const duration = readDuration(text);
  return typeof duration === 'bigint' ? duration : undefined;
}

/** Says why `parseDuration` refuses a text. */
export function durationFault(text: string): string {
  const fault = readDuration(text);
  return typeof fault === 'string' ? fault : '';
}

const tooLong = 'longer than 292 years, more than Go can count';

/** The nanoseconds, or what is wrong. */
function readDuration(text: string): bigint | string {
  const isNegative = text.startsWith('-');
  const unsigned = isNegative || text.startsWith('+') ? text.slice(1) : text;
  if (unsigned === '0') return 0n;
  if (unsigned === '') return 'an empty duration';
  if (text.trim() !== text) return 'a duration with spaces around it';
  const sum = sumOf(unsigned);
  if (typeof sum === 'string') return sum;
  if (isNegative) return -sum;
  return sum < limit ? sum : tooLong;
}

/** Adds up numbers with units, such as `1h30m`. */
function sumOf(unsigned: string): bigint | string {
  const part = /([0-9]*)(?:\.([0-9]*))?([^0-9.]*)/sy;
  let sum = 0n;
  while (part.lastIndex < unsigned.length) {
    const [, whole = '', fraction = '', unit = ''] = part.exec(unsigned) ?? [];
    if (whole === '' && fraction === '') return 'not a duration';
    if (unit === '') return 'a duration without a unit';
    const scale = units.get(unit);
    if (scale === undefined) return `unknown unit ${JSON.stringify(unit.slice(0, 20))} in a duration`;
    const size = nanoseconds(whole, fraction, scale);
    if (size === undefined) return tooLong;
    // Go adds in 64 bits and looks only afterwards, so that twice 2^63 comes to 0.
    sum = BigInt.asUintN(64, sum + size);
    if (sum > limit) return tooLong;
  }
  return sum;
}

/** Prints nanoseconds as Go's Duration.String does: `1m0s`, `1.5s`, `100ms`. */
export function formatDuration(duration: bigint): string {
  if (duration === 0n) return '0s';
  const sign = duration < 0n ? '-' : '';
  const size = duration < 0n ? -duration : duration;
  if (size < 1_000n) return `${sign}${size}ns`;
  if (size < 1_000_000n) return `${sign}${decimal(size, 3)}\u00b5s`;
  if (size < 1_000_000_000n) return `${sign}${decimal(size, 6)}ms`;
  const seconds = `${decimal(size % 60_000_000_000n, 9)}s`;
  const minutes = size / 60_000_000_000n;
  if (minutes === 0n) return sign + seconds;
  return minutes < 60n ? `${sign}${minutes}m${seconds}` : `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}`;
}

function nanoseconds(whole: string, fraction: string, unit: bigint): bigint | undefined {
  const digits = whole.replace(/^0+/, '');
  if (digits.length > 19) return undefined;
  const count = BigInt(digits);
  if (count > limit / unit) return undefined;
  const size = count * unit + fractionOf(fraction, unit);
  return size > limit ? undefined : size;
}

/** Go keeps the digits that fit 63 bits and drops the rest, then multiplies in float64; so must we, to the nanosecond. */
function fractionOf(digits: string, unit: bigint): bigint {
  let value = 0n;
  let scale = 1;
  for (const digit of digits) {
    const next = value * 10n + BigInt(digit);
    if (value > (limit - 1n) / 10n || next > limit || scale === Number.POSITIVE_INFINITY) break;
    value = next;
    scale *= 10;
  }
  return BigInt(Math.trunc(Number(value) * (Number(unit) / scale)));
}

function decimal(value: bigint, places: number): string {
  const digits = String(value).padStart(places + 1, '0');
  const fraction = digits.slice(-places).replace(/0+$/, '');
  return digits.slice(0, -places) + (fraction === '' ? '' : `.${fraction}`);
}
