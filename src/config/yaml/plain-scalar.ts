import { TextFault } from '../text-fault.ts';
import { type Cursor, isBlank, isBlankOrEnd, isBreak } from './cursor.ts';
import type { ScalarToken } from './token.ts';

export interface PlainScalar {
  readonly token: ScalarToken;
  /** Whether a line break was passed after it, so that a key may follow. */
  readonly endsLine: boolean;
}

/** Scans an unquoted scalar, over several lines where they are indented at least `indent` (in flow context: always). */
export function scanPlainScalar(cursor: Cursor, indent: number, inFlow: boolean): PlainScalar {
  const start = cursor.offset;
  let value = '';
  let gap = '';
  let endsLine = false;
  while (!cursor.isAtDocumentMarker && cursor.code() !== 0x23) {
    const chunk = takeChunk(cursor, inFlow);
    if (chunk !== '') {
      value = value === '' ? chunk : value + gap + chunk;
      endsLine = false;
    }
    if (!isBlank(cursor.code()) && !isBreak(cursor.code())) break;
    const space = takeGap(cursor, indent);
    gap = space.text;
    endsLine ||= space.hasBreak;
    if (!inFlow && cursor.column < indent) break;
  }
  return { token: { kind: 'scalar', offset: start, value, plain: true }, endsLine };
}

function takeChunk(cursor: Cursor, inFlow: boolean): string {
  const { text, offset: start } = cursor;
  let offset = start;
  for (;;) {
    const code = text.charCodeAt(offset);
    if (isBlankOrEnd(code)) break;
    if (code === 0x3a && isBlankOrEnd(text.charCodeAt(offset + 1))) break;
    if (inFlow && isFlowIndicator(code)) break;
    offset += 1;
  }
  cursor.offset = offset;
  return text.slice(start, offset);
}

/** One of `, ? [ ] { }`, which end a plain scalar in flow context. */
function isFlowIndicator(code: number): boolean {
  return code === 0x2c || code === 0x3f || code === 0x5b || code === 0x5d || code === 0x7b || code === 0x7d;
}

/** Blanks and line breaks between two chunks, and what they fold to. No tab may stand before the column `indent`. */
function takeGap(cursor: Cursor, indent: number): { readonly text: string; readonly hasBreak: boolean } {
  const start = cursor.offset;
  cursor.skipBlanks();
  if (!isBreak(cursor.code())) return { text: cursor.text.slice(start, cursor.offset), hasBreak: false };
  const first = cursor.takeBreak();
  let more = '';
  for (;;) {
    const code = cursor.code();
    if (isBreak(code)) more += cursor.takeBreak();
    else if (!isBlank(code)) break;
    else if (code === 0x09 && cursor.column < indent) throw tabFault(cursor.offset);
    else cursor.offset += 1;
  }
  return { text: foldBreaks(first, more), hasBreak: true };
}

/** The first line break becomes a space, unless more follow; LS and PS stay. */
export function foldBreaks(first: string, more: string): string {
  if (first !== '\n') return first + more;
  return more === '' ? ' ' : more;
}

export function tabFault(offset: number): TextFault {
  return new TextFault(offset, "a tab can't indent", 'spaces');
}
