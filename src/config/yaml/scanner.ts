import { TextFault } from '../text-fault.ts';
import { scanBlockScalar } from './block-scalar.ts';
import { Cursor, endOfText, isBlankOrEnd, isBreak } from './cursor.ts';
import { scanAnchor, scanDirective, scanTag } from './node-properties.ts';
import { scanPlainScalar, tabFault } from './plain-scalar.ts';
import { scanQuotedScalar } from './quoted-scalar.ts';
import { SimpleKeys } from './simple-keys.ts';
import type { MarkToken, Token } from './token.ts';

type MarkKind = MarkToken['kind'];

/**
 * Splits YAML 1.1 into tokens as libyaml, and so Go's YAML decoder, does: indentation becomes block tokens, and a key
 * token is put before what a later `:` shows to have been a key. Reads no further than the parser asks.
 */
export class Scanner {
  readonly #cursor: Cursor;
  readonly #keys: SimpleKeys;
  readonly #queue: Token[] = [];
  /** Tokens handed out so far. */
  #taken = 0;
  /** Column of the innermost block; -1 outside all blocks. */
  #indent = -1;
  readonly #indents: number[] = [];

  constructor(text: string) {
    this.#cursor = new Cursor(text);
    this.#keys = new SimpleKeys(this.#cursor);
  }

  /** The next token. Throws TextFault where the text is not YAML. */
  peek(): Token {
    for (;;) {
      const token = this.#queue[0];
      if (token !== undefined && !this.#keys.isAwaited(this.#taken)) return token;
      this.#fetch();
    }
  }

  /** Steps over the token that was peeked. */
  skip(): void {
    this.#queue.shift();
    this.#taken += 1;
  }

  #fetch(): void {
    const cursor = this.#cursor;
    this.#skipToToken();
    this.#endBlocksDeeperThan(cursor.column);
    if (cursor.code() === endOfText) this.#fetchStreamEnd();
    else if (cursor.column === 0 && cursor.code() === 0x25) this.#fetchDirective();
    else if (cursor.isAtDocumentMarker) this.#fetchDocumentMarker();
    else this.#fetchNode(cursor.text.charAt(cursor.offset));
  }

  #fetchNode(character: string): void {
    const standsAlone = isBlankOrEnd(this.#cursor.code(1));
    if (character === '[') this.#fetchFlowStart('flow-sequence');
    else if (character === '{') this.#fetchFlowStart('flow-mapping');
    else if (character === ']') this.#fetchFlowEnd('flow-sequence-end');
    else if (character === '}') this.#fetchFlowEnd('flow-mapping-end');
    else if (character === ',') this.#fetchFlowEntry();
    else if (character === '-' && standsAlone) this.#fetchEntry();
    else if (character === '?' && (this.#keys.inFlow || standsAlone)) this.#fetchKey();
    else if (character === ':' && (this.#keys.inFlow || standsAlone)) this.#fetchValue();
    else this.#fetchContent(character);
  }

  #fetchContent(character: string): void {
    const isBlockScalar = (character === '|' || character === '>') && !this.#keys.inFlow;
    if (isBlockScalar) {
      this.#keys.drop();
      this.#keys.allowed = true;
      this.#queue.push(scanBlockScalar(this.#cursor, this.#indent));
      return;
    }
    if (character === '\t') throw tabFault(this.#cursor.offset);
    if ('|>%@`'.includes(character)) {
      throw new TextFault(this.#cursor.offset, `a text can't start with ${character}`, 'quotes around the text');
    }
    this.#keys.save(this.#nextToken, this.#indent);
    this.#keys.allowed = false;
    this.#queue.push(this.#scanContent(character));
  }

  #scanContent(character: string): Token {
    if (character === '&' || character === '*') return scanAnchor(this.#cursor);
    if (character === '!') return scanTag(this.#cursor);
    if (character === '"' || character === "'") return scanQuotedScalar(this.#cursor);
    const { token, endsLine } = scanPlainScalar(this.#cursor, this.#indent + 1, this.#keys.inFlow);
    this.#keys.allowed ||= endsLine;
    return token;
  }

  /** Tabs may stand anywhere but where they would indent. */
  #skipToToken(): void {
    const cursor = this.#cursor;
    for (;;) {
      while (cursor.code() === 0x20 || (cursor.code() === 0x09 && (this.#keys.inFlow || !this.#keys.allowed))) {
        cursor.offset += 1;
      }
      cursor.skipComment();
      if (!isBreak(cursor.code())) return;
      cursor.takeBreak();
      this.#keys.allowed ||= !this.#keys.inFlow;
    }
  }

  #fetchStreamEnd(): void {
    this.#endDocument();
    // The end of the text ends its last line, and with it what might have become a key.
    this.#cursor.line += 1;
    this.#queue.push({ kind: 'stream-end', offset: this.#cursor.offset });
  }

  #fetchDirective(): void {
    this.#endDocument();
    this.#queue.push(scanDirective(this.#cursor));
  }

  #fetchDocumentMarker(): void {
    this.#endDocument();
    this.#takeMark(this.#cursor.code() === 0x2d ? 'document-start' : 'document-end', 3);
  }

  #endDocument(): void {
    this.#endBlocksDeeperThan(-1);
    this.#keys.drop();
    this.#keys.allowed = false;
  }

  #fetchFlowStart(kind: MarkKind): void {
    this.#keys.save(this.#nextToken, this.#indent);
    this.#keys.enterFlow(this.#nextToken);
    this.#keys.allowed = true;
    this.#takeMark(kind);
  }

  #fetchFlowEnd(kind: MarkKind): void {
    this.#keys.drop();
    this.#keys.leaveFlow();
    this.#keys.allowed = false;
    this.#takeMark(kind);
  }

  #fetchFlowEntry(): void {
    this.#keys.drop();
    this.#keys.allowed = true;
    this.#takeMark('flow-entry');
  }

  #fetchEntry(): void {
    this.#beginBlock('block-sequence', "a list can't start on this line", 'a new line before the dash');
    this.#keys.drop();
    this.#keys.allowed = true;
    this.#takeMark('entry');
  }

  #fetchKey(): void {
    this.#beginBlock('block-mapping', "a key can't start on this line", 'a new line before it');
    this.#keys.drop();
    this.#keys.allowed = !this.#keys.inFlow;
    this.#takeMark('key');
  }

  #fetchValue(): void {
    const key = this.#keys.take();
    if (key === undefined) {
      this.#beginBlock('block-mapping', 'a colon that follows no key', 'quotes around a text that holds ": "');
      this.#keys.allowed = !this.#keys.inFlow;
    } else {
      const place = key.token < this.#taken ? this.#queue.length : key.token - this.#taken;
      this.#queue.splice(place, 0, { kind: 'key', offset: key.offset });
      this.#deepenTo(key.column, { kind: 'block-mapping', offset: key.offset }, place);
      this.#keys.allowed = false;
    }
    this.#takeMark('value');
  }

  /** In block context, an indicator begins a block if it stands deeper than the block around it. */
  #beginBlock(kind: MarkKind, message: string, expected: string): void {
    const { column, offset } = this.#cursor;
    if (!this.#keys.inFlow && !this.#keys.allowed) throw new TextFault(offset, message, expected);
    this.#deepenTo(column, { kind, offset }, this.#queue.length);
  }

  #deepenTo(column: number, token: Token, place: number): void {
    if (this.#keys.inFlow || this.#indent >= column) return;
    this.#indents.push(this.#indent);
    this.#indent = column;
    this.#queue.splice(place, 0, token);
  }

  #endBlocksDeeperThan(column: number): void {
    if (this.#keys.inFlow) return;
    while (this.#indent > column) {
      this.#queue.push({ kind: 'block-end', offset: this.#cursor.offset });
      this.#indent = this.#indents.pop() ?? -1;
    }
  }

  #takeMark(kind: MarkKind, length = 1): void {
    this.#queue.push({ kind, offset: this.#cursor.offset });
    this.#cursor.offset += length;
  }

  get #nextToken(): number {
    return this.#taken + this.#queue.length;
  }
}
