import type { YAMLError } from 'yaml';
import type { TextFault } from './decode.ts';

/** Nobody mends more at once. */
const mostFaults = 20;

/** One mistake makes the package complain up to four times: the first complaint on a line is the one that helps. */
export function yamlFaults(errors: readonly YAMLError[], text: string): readonly TextFault[] {
  const faults: TextFault[] = [];
  let lineEnd = -1;
  const placed = errors.map((error) => ({ error, offset: placeOf(error, text) }));
  for (const { error, offset } of placed.sort((a, b) => a.offset - b.offset)) {
    if (offset <= lineEnd) continue;
    faults.push({ offset, ...inOurWords(error) });
    lineEnd = text.indexOf('\n', offset);
    if (lineEnd < 0 || faults.length === mostFaults) break;
  }
  return faults;
}

/** A quoted text that never ends is told where it begins. */
function placeOf({ pos: [offset], message }: YAMLError, text: string): number {
  const quote = /^Missing closing (.)quote/.exec(message)?.[1];
  return quote === undefined ? offset : Math.max(0, text.lastIndexOf(quote, offset - 1));
}

type Words = Omit<TextFault, 'offset'>;

/** What the package's errors mean to somebody who has never read the specification of YAML: the first that matches. */
const words: readonly (readonly [RegExp, (...parts: string[]) => Words])[] = [
  [/^TAB_AS_INDENT/, () => ({ message: "a tab can't indent", expected: 'spaces' })],
  [/Missing closing (.)quote/, (_, quote = '"') => ({ message: 'the quoted text never ends', expected: quote })],
  [
    /end with a (.)$/,
    (_, bracket = ']') => ({
      message: 'within a bracket that is not closed above',
      expected: `${bracket}, or deeper indentation`,
    }),
  ],
  [/^MISSING_CHAR Missing , /, () => ({ message: 'no comma between two entries in brackets', expected: 'a comma' })],
  [
    /^BLOCK_AS_IMPLICIT_KEY A block seq/,
    () => ({ message: 'in no column of the entries above', expected: 'dashes in one column' }),
  ],
  [
    /^BLOCK_AS_IMPLICIT_KEY/,
    () => ({ message: 'a second colon in one value', expected: 'a line for each key, or quotes around a text' }),
  ],
  [
    /^(?:MULTILINE_IMPLICIT_KEY|MISSING_CHAR Implicit)/,
    () => ({ message: 'a key without a value', expected: 'a colon and a space after the key' }),
  ],
  [/^BAD_INDENT/, () => ({ message: 'in no column of the lines above', expected: 'keys, or dashes, in one column' })],
  [
    / at node end$/,
    () => ({ message: 'belongs to nothing that stands above', expected: 'keys, or dashes, in one column' }),
  ],
  [
    /block-seq-ind on same line/,
    () => ({ message: 'a list on the line of its key', expected: 'each dash on a line of its own' }),
  ],
  [
    /^BAD_SCALAR_START .*(?:character) (.)/,
    (_, first = '') => ({ message: `a text can't start with ${first}`, expected: 'quotes around the text' }),
  ],
  [
    /^BAD_DQ_ESCAPE/,
    () => ({ message: 'an unknown escape in double quotes', expected: '\\\\ for a backslash, or single quotes' }),
  ],
  [/^RESOURCE_EXHAUSTION/, () => ({ message: 'nested too deeply' })],
];

function inOurWords({ code, message }: YAMLError): Words {
  for (const [pattern, inWords] of words) {
    const match = pattern.exec(`${code} ${message}`);
    if (match !== null) return inWords(...match);
  }
  return { message: `not YAML: ${message}` };
}

/** Where and why a text is not strict JSON; undefined where it is. */
export function jsonFault(text: string): TextFault | undefined {
  const message = jsonError(text);
  if (message === undefined) return undefined;
  const offset = validJsonLength(text);
  const rule = 'a file that starts with { is read as strict JSON';
  const isBehindComma = /,\s*$/.test(text.slice(Math.max(0, offset - longestGap), offset));
  if (isBehindComma && /[\]}]/.test(text.charAt(offset))) {
    const comma = text.lastIndexOf(',', offset);
    const expected = 'no comma after the last entry';
    return { offset: comma, message: `a comma before the closing ${text.charAt(offset)}; ${rule}`, expected };
  }
  if (/property name/.test(message))
    return { offset, message: `not a key; ${rule}`, expected: 'a key in double quotes' };
  const [reason = message] = /^.*?(?= in JSON| after JSON|, \.{0,3}")/.exec(message) ?? [];
  return { offset, message: `${reason.charAt(0).toLowerCase()}${reason.slice(1)}; ${rule}` };
}

/** More blanks than stand between a comma and a bracket. */
const longestGap = 200;

function jsonError(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
}

/** The longest beginning of a text that could yet become JSON, by bisection: not every message of V8 has a position. */
function validJsonLength(text: string): number {
  let low = 0;
  let high = text.length;
  while (low < high) {
    const length = (low + high + 1) >> 1;
    if (isJsonSoFar(text.slice(0, length))) low = length;
    else high = length - 1;
  }
  return low;
}

function isJsonSoFar(text: string): boolean {
  const message = jsonError(text);
  if (message === undefined || /end of JSON input|Unterminated/.test(message)) return true;
  return /at position (\d+)/.exec(message)?.[1] === String(text.length);
}
