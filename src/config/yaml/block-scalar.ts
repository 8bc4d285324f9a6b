import { TextFault } from '../text-fault.ts';
import { type Cursor, endOfText, isBlank, isBreak, isBreakOrEnd } from './cursor.ts';
import { tabFault } from './plain-scalar.ts';
import type { ScalarToken } from './token.ts';

/** Scans a scalar after `|` or `>`; `parentIndent` is the column of the block around it, -1 at the top. */
export function scanBlockScalar(cursor: Cursor, parentIndent: number): ScalarToken {
  const start = cursor.offset;
  const isLiteral = cursor.code() === 0x7c;
  const { chomping, increment } = takeHeader(cursor);
  const contentOffset = cursor.offset;
  const leading = takeEmptyLines(cursor, increment === 0 ? 0 : Math.max(parentIndent, 0) + increment, parentIndent);
  const { indent } = leading;
  let value = '';
  let lastBreak = '';
  let emptyLines = leading.breaks;
  let afterBlank = false;
  while (cursor.column === indent && cursor.code() !== endOfText) {
    const startsBlank = isBlank(cursor.code());
    const folds = !isLiteral && !afterBlank && !startsBlank && lastBreak === '\n';
    if (!folds) value += lastBreak;
    else if (emptyLines === '') value += ' ';
    value += emptyLines + takeLine(cursor);
    afterBlank = startsBlank;
    lastBreak = isBreak(cursor.code()) ? cursor.takeBreak() : '';
    emptyLines = takeEmptyLines(cursor, indent, parentIndent).breaks;
  }
  if (chomping !== '-') value += lastBreak;
  if (chomping === '+') value += emptyLines;
  const token = { kind: 'scalar', offset: start, value, plain: false } as const;
  return isLiteral ? { ...token, literal: { offset: contentOffset, indent } } : token;
}

/** `+` or `-` and one digit from 1 to 9 in either order, then nothing but a comment. */
function takeHeader(cursor: Cursor): { readonly chomping: string; readonly increment: number } {
  const start = cursor.offset;
  const header = /^.(?:([-+])([0-9])?|([0-9])([-+])?)?/s.exec(cursor.text.slice(start, start + 3)) ?? [''];
  const [whole, sign, digit, digitFirst, signLast] = header;
  const increment = digit ?? digitFirst;
  if (increment === '0') throw new TextFault(start, 'the indentation indicator of a block of text is 0', '1 to 9');
  cursor.offset += whole.length;
  cursor.skipBlanks();
  cursor.skipComment();
  if (!isBreakOrEnd(cursor.code())) {
    throw new TextFault(
      cursor.offset,
      'text stands on the line of the block indicator | or >',
      'the text on the next line',
    );
  }
  if (isBreak(cursor.code())) cursor.takeBreak();
  return { chomping: sign ?? signLast ?? '', increment: Number(increment ?? 0) };
}

function takeLine(cursor: Cursor): string {
  const start = cursor.offset;
  while (!isBreakOrEnd(cursor.code())) cursor.offset += 1;
  return cursor.text.slice(start, cursor.offset);
}

/** Indentation and empty lines before the next line of text; an `indent` of 0 means that this line decides it. */
function takeEmptyLines(
  cursor: Cursor,
  indent: number,
  parentIndent: number,
): { readonly breaks: string; readonly indent: number } {
  let breaks = '';
  let widest = 0;
  for (;;) {
    while ((indent === 0 || cursor.column < indent) && cursor.code() === 0x20) cursor.offset += 1;
    widest = Math.max(widest, cursor.column);
    if ((indent === 0 || cursor.column < indent) && cursor.code() === 0x09) throw tabFault(cursor.offset);
    if (!isBreak(cursor.code())) break;
    breaks += cursor.takeBreak();
  }
  return { breaks, indent: indent === 0 ? Math.max(widest, parentIndent + 1, 1) : indent };
}
