import type { ConfigNode, NumberNode } from '../node.ts';
import type { ScalarToken } from './token.ts';

/** What Go's YAML decoder makes of a scalar. */
type ScalarValue = string | boolean | null | NumberValue;

type NumberValue = Pick<NumberNode, 'literal' | 'isUint64'>;

const prefix = 'tag:yaml.org,2002:';

const words: ReadonlyMap<string, ScalarValue> = new Map<string, ScalarValue>([
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map((word) => [word, true] as const),
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map((word) => [word, false] as const),
  ...['', '~', 'null', 'Null', 'NULL'].map((word) => [word, null] as const),
  ...['.nan', '.NaN', '.NAN'].map((word) => [word, { literal: 'NaN' }] as const),
  ...['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF'].map((word) => [word, { literal: 'Infinity' }] as const),
  ...['-.inf', '-.Inf', '-.INF'].map((word) => [word, { literal: '-Infinity' }] as const),
]);

/** The value of a scalar, by its tag or else by its text; undefined where the text does not suit the tag. */
export function resolveScalar(
  { offset, value: text, plain, literal }: ScalarToken,
  tag?: string,
): ConfigNode | undefined {
  if (tag === undefined && !plain) {
    return literal === undefined
      ? { kind: 'string', offset, value: text }
      : { kind: 'string', offset, value: text, literal };
  }
  const value = tag === undefined ? resolvePlain(text) : resolveTagged(tag, text);
  if (value === undefined) return undefined;
  if (value === null) return { kind: 'null', offset };
  if (typeof value === 'string') return { kind: 'string', offset, value };
  if (typeof value === 'boolean') return { kind: 'boolean', offset, value };
  return { kind: 'number', offset, ...value };
}

/** Resolves a plain scalar as go-yaml v2's resolve() does: YAML 1.1 without sexagesimals; dates stay text. */
function resolvePlain(text: string): ScalarValue {
  // Almost every scalar of a config is a CIDR: neither word nor number has a slash.
  if (text.includes('/')) return text;
  const word = words.get(text);
  if (word !== undefined) return word;
  if (!/^[-+.0-9]/.test(text)) return text;
  if (text.startsWith('.')) return /^\.[0-9]+(?:[eE][-+]?[0-9]+)?$/.test(text) ? float(text) : text;
  const plain = text.replaceAll('_', '');
  return integer(plain) ?? (isFloat(plain) ? float(plain, text) : text);
}

/** Resolves a scalar with an explicit tag; undefined where the text does not suit the tag. */
function resolveTagged(tag: string, text: string): ScalarValue | undefined {
  const value = resolvePlain(text);
  switch (tag) {
    case `${prefix}bool`:
      return typeof value === 'boolean' ? value : undefined;
    case `${prefix}null`:
      return value === null ? null : undefined;
    case `${prefix}int`:
      return /^[-+0-9]/.test(text) ? integer(text.replaceAll('_', '')) : undefined;
    case `${prefix}float`:
      return isNumber(value) && value.isUint64 !== true ? value : undefined;
    case `${prefix}timestamp`:
      return timestamp.test(text) ? text : undefined;
    case `${prefix}binary`:
      return base64(text);
    default:
      return text;
  }
}

function isNumber(value: ScalarValue): value is NumberValue {
  return typeof value === 'object' && value !== null;
}

const timestamp =
  /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]+)?(?:Z|[-+][0-9]{2}:[0-9]{2})?)?$/;

function base64(text: string): string | undefined {
  const compact = text.replaceAll(/[\r\n]/g, '');
  return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(compact)
    ? Buffer.from(compact, 'base64').toString('utf8')
    : undefined;
}

/** Go's ParseInt and ParseUint with base 0, and an older branch of go-yaml that lets a sign follow `0b`. */
function integer(plain: string): NumberValue | undefined {
  const match =
    /^([-+]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)$/.exec(plain) ??
    /^0b([-+])([01]+)$/.exec(plain)?.map((part, index) => (index === 2 ? `0b${part}` : part));
  if (match === null || match === undefined) return undefined;
  const [, sign = '', digits = ''] = match;
  // No 64 bits take more digits, and a longer number would only take time.
  if (digits.replace(/^0[xXbBoO]?0*/, '').length > 64) return undefined;
  const size = BigInt(/^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits);
  const value = sign === '-' ? -size : size;
  if (value >= -(2n ** 63n) && value < 2n ** 63n) return { literal: String(value) };
  return sign === '' && value < 2n ** 64n ? { literal: String(value), isUint64: true } : undefined;
}

function isFloat(plain: string): boolean {
  return /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/.test(plain);
}

/** Go's JSON encoder and String(number) write the same literal; a number too large for float64 stays text. */
function float(plain: string, text = plain): ScalarValue {
  const value = Number(plain);
  return Number.isFinite(value) ? { literal: String(value) } : text;
}
