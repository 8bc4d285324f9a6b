import { TextFault } from '../text-fault.ts';
import { type Cursor, endOfText, isBlank, isBlankOrEnd, isBreak } from './cursor.ts';
import { foldBreaks } from './plain-scalar.ts';
import type { ScalarToken } from './token.ts';

const simpleEscapes: ReadonlyMap<string, string> = new Map([
  ['0', '\0'],
  ['a', '\x07'],
  ['b', '\b'],
  ['t', '\t'],
  ['\t', '\t'],
  ['n', '\n'],
  ['v', '\v'],
  ['f', '\f'],
  ['r', '\r'],
  ['e', '\x1b'],
  [' ', ' '],
  ['"', '"'],
  ["'", "'"],
  ['\\', '\\'],
  ['N', '\x85'],
  ['_', '\xa0'],
  ['L', '\u2028'],
  ['P', '\u2029'],
]);

const codeLengths: ReadonlyMap<string, number> = new Map([
  ['x', 2],
  ['u', 4],
  ['U', 8],
]);

/** Scans a scalar in single or double quotes, its lines folded. */
export function scanQuotedScalar(cursor: Cursor): ScalarToken {
  const start = cursor.offset;
  const quote = cursor.code();
  cursor.offset += 1;
  let value = '';
  for (;;) {
    if (cursor.isAtDocumentMarker || cursor.code() === endOfText) {
      throw new TextFault(start, 'the quoted text never ends', String.fromCharCode(quote));
    }
    const chunk = quote === 0x27 ? takeSingleQuoted(cursor) : takeDoubleQuoted(cursor);
    value += chunk.text;
    if (cursor.code() === quote) break;
    value += takeGap(cursor, chunk.escapedBreak);
  }
  cursor.offset += 1;
  return { kind: 'scalar', offset: start, value, plain: false };
}

interface Chunk {
  readonly text: string;
  /** A backslash at the end of the line: the line break and the blanks after it vanish. */
  readonly escapedBreak: boolean;
}

function takeSingleQuoted(cursor: Cursor): Chunk {
  const { text, offset: start } = cursor;
  let hasQuotes = false;
  for (let code = cursor.code(); !isBlankOrEnd(code); code = cursor.code()) {
    if (code === 0x27) {
      if (cursor.code(1) !== 0x27) break;
      hasQuotes = true;
      cursor.offset += 1;
    }
    cursor.offset += 1;
  }
  const chunk = text.slice(start, cursor.offset);
  return { text: hasQuotes ? chunk.replaceAll("''", "'") : chunk, escapedBreak: false };
}

function takeDoubleQuoted(cursor: Cursor): Chunk {
  let chunk = '';
  let start = cursor.offset;
  for (let code = cursor.code(); !isBlankOrEnd(code) && code !== 0x22; code = cursor.code()) {
    if (code !== 0x5c) {
      cursor.offset += 1;
      continue;
    }
    chunk += cursor.text.slice(start, cursor.offset);
    if (isBreak(cursor.code(1))) {
      cursor.offset += 1;
      cursor.takeBreak();
      return { text: chunk, escapedBreak: true };
    }
    chunk += takeEscape(cursor);
    start = cursor.offset;
  }
  return { text: chunk + cursor.text.slice(start, cursor.offset), escapedBreak: false };
}

function takeEscape(cursor: Cursor): string {
  const start = cursor.offset;
  const letter = cursor.text.charAt(start + 1);
  cursor.offset += 2;
  const simple = simpleEscapes.get(letter);
  if (simple !== undefined) return simple;
  const length = codeLengths.get(letter);
  if (length === undefined) {
    throw new TextFault(
      start,
      `unknown escape \\${letter === '\0' ? '' : letter} in double quotes`,
      'single quotes, or \\\\',
    );
  }
  const digits = cursor.text.slice(cursor.offset, cursor.offset + length);
  if (digits.length < length || !/^[0-9a-fA-F]+$/.test(digits)) {
    throw new TextFault(start, `the escape \\${letter} lacks its digits`, `${length} hexadecimal digits`);
  }
  const code = Number.parseInt(digits, 16);
  if ((code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) {
    throw new TextFault(start, `the escape \\${letter}${digits} is no Unicode character`);
  }
  cursor.offset += length;
  return String.fromCodePoint(code);
}

function takeGap(cursor: Cursor, afterEscapedBreak: boolean): string {
  const start = cursor.offset;
  let first = '';
  let more = '';
  let hasBreak = afterEscapedBreak;
  for (let code = cursor.code(); isBlank(code) || isBreak(code); code = cursor.code()) {
    if (isBlank(code)) cursor.offset += 1;
    else if (hasBreak) more += cursor.takeBreak();
    else {
      first = cursor.takeBreak();
      hasBreak = true;
    }
  }
  if (!hasBreak) return cursor.text.slice(start, cursor.offset);
  return first === '' ? more : foldBreaks(first, more);
}
