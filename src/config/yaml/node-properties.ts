import { TextFault } from '../text-fault.ts';
import { type Cursor, isBlank, isBlankOrEnd, isBreak, isBreakOrEnd } from './cursor.ts';
import type { AnchorToken, TagDirectiveToken, TagToken, VersionToken } from './token.ts';

/** Scans `&name` or `*name`. */
export function scanAnchor(cursor: Cursor): AnchorToken {
  const start = cursor.offset;
  const kind = cursor.code() === 0x26 ? 'anchor' : 'alias';
  cursor.offset += 1;
  const name = takeWord(cursor);
  if (name === '' || (!isBlankOrEnd(cursor.code()) && !'?:,]}%@`'.includes(here(cursor)))) {
    throw new TextFault(
      start,
      `not the name of an ${kind}`,
      'letters, digits, - and _, or quotes around the whole text',
    );
  }
  return { kind, offset: start, name };
}

/** Scans `!`, `!suffix`, `!!suffix`, `!handle!suffix` or `!<suffix>`. */
export function scanTag(cursor: Cursor): TagToken {
  const start = cursor.offset;
  const tag = cursor.code(1) === 0x3c ? takeVerbatimTag(cursor) : takeShortTag(cursor);
  if (!isBlankOrEnd(cursor.code()))
    throw new TextFault(start, 'no space after the tag', 'quotes around the whole text');
  return { kind: 'tag', offset: start, ...tag };
}

/** Scans `%YAML 1.1` or `%TAG !handle! prefix` with the rest of its line. */
export function scanDirective(cursor: Cursor): VersionToken | TagDirectiveToken {
  const start = cursor.offset;
  cursor.offset += 1;
  const name = takeWord(cursor);
  if (!isBlankOrEnd(cursor.code()) || (name !== 'YAML' && name !== 'TAG')) {
    throw new TextFault(start, 'a line that starts with % is a YAML directive', '%YAML 1.1, or quotes around the text');
  }
  cursor.skipBlanks();
  const token = name === 'YAML' ? versionToken(cursor, start) : tagDirectiveToken(cursor, start);
  cursor.skipBlanks();
  cursor.skipComment();
  if (!isBreakOrEnd(cursor.code())) throw new TextFault(cursor.offset, 'text after a YAML directive', 'a new line');
  if (isBreak(cursor.code())) cursor.takeBreak();
  return token;
}

function versionToken(cursor: Cursor, start: number): VersionToken {
  const version = takeWhile(cursor, /[0-9.]/);
  if (!/^[0-9]{1,2}\.[0-9]{1,2}$/.test(version)) throw new TextFault(start, 'not a YAML version', '%YAML 1.1');
  return { kind: 'version', offset: start, version };
}

function tagDirectiveToken(cursor: Cursor, start: number): TagDirectiveToken {
  const handle = takeHandle(cursor);
  const isHandle = handle === '!' || (handle.length > 1 && handle.endsWith('!'));
  const hasBlank = isBlank(cursor.code());
  cursor.skipBlanks();
  const prefix = isHandle && hasBlank ? takeUri(cursor) : '';
  if (prefix === '' || !isBlankOrEnd(cursor.code())) {
    throw new TextFault(start, 'not a %TAG directive', '%TAG !handle! prefix');
  }
  return { kind: 'tag-directive', offset: start, handle, prefix };
}

function takeVerbatimTag(cursor: Cursor): Pick<TagToken, 'handle' | 'suffix'> {
  const start = cursor.offset;
  cursor.offset += 2;
  const suffix = takeUri(cursor);
  if (suffix === '' || here(cursor) !== '>') throw new TextFault(start, 'the tag !< never ends', '>');
  cursor.offset += 1;
  return { handle: '', suffix };
}

function takeShortTag(cursor: Cursor): Pick<TagToken, 'handle' | 'suffix'> {
  const start = cursor.offset;
  const handle = takeHandle(cursor);
  const suffix = takeUri(cursor);
  if (handle.length > 1 && handle.endsWith('!')) {
    if (suffix === '') throw new TextFault(start, 'the tag has no name', 'a tag such as !!str');
    return { handle, suffix };
  }
  const name = handle.slice(1) + suffix;
  return name === '' ? { handle: '', suffix: '!' } : { handle: '!', suffix: name };
}

function takeHandle(cursor: Cursor): string {
  if (here(cursor) !== '!') return '';
  cursor.offset += 1;
  const word = takeWord(cursor);
  if (here(cursor) !== '!') return `!${word}`;
  cursor.offset += 1;
  return `!${word}!`;
}

function takeUri(cursor: Cursor): string {
  const start = cursor.offset;
  const uri = takeWhile(cursor, /[0-9A-Za-z_\-;/?:@&=+$,.!~*'()[\]%]/);
  try {
    return decodeURIComponent(uri);
  } catch {
    throw new TextFault(
      start,
      'a % in a tag is not followed by the digits of a UTF-8 character',
      '%25 for the sign itself',
    );
  }
}

function takeWord(cursor: Cursor): string {
  return takeWhile(cursor, /[0-9A-Za-z_-]/);
}

function takeWhile(cursor: Cursor, characters: RegExp): string {
  const start = cursor.offset;
  while (characters.test(here(cursor))) cursor.offset += 1;
  return cursor.text.slice(start, cursor.offset);
}

function here(cursor: Cursor): string {
  return cursor.text.charAt(cursor.offset);
}
