import { TextFault } from '../text-fault.ts';
import { scanBlockScalar } from './block-scalar.ts';
import { Cursor, endOfText, isBlankOrEnd, isBreak } from './cursor.ts';
import { scanAnchor, scanDirective, scanTag } from './node-properties.ts';
import { scanPlainScalar } from './plain-scalar.ts';
import { scanQuotedScalar } from './quoted-scalar.ts';
import type { MarkToken, Token } from './token.ts';

/** A token that turns out to be a key if a `:` follows on its line. */
interface SimpleKey {
  possible: boolean;
  /** In block context at the column of the block: nothing but a key can stand here. */
  readonly required: boolean;
  /** Number of the token, counted from the start of the text. */
  readonly token: number;
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

/** A key without `?` has its `:` at most so many characters after its start. */
const simpleKeyLength = 1024;

const flowMarks: ReadonlyMap<string, MarkToken['kind']> = new Map([
  ['[', 'flow-sequence'],
  ['{', 'flow-mapping'],
  [']', 'flow-sequence-end'],
  ['}', 'flow-mapping-end'],
]);

/**
 * Splits YAML 1.1 into tokens as libyaml, and so Go's YAML decoder, does: indentation becomes block tokens, and a key
 * token is put before what a later `:` shows to have been a key. Reads no further than the parser asks.
 */
export class Scanner {
  readonly #cursor: Cursor;
  readonly #queue: Token[] = [];
  /** Tokens handed out so far. */
  #taken = 0;
  #indent = -1;
  readonly #indents: number[] = [];
  /** One for the block context, then one for each open bracket. */
  readonly #simpleKeys: SimpleKey[] = [noKey(0, 0)];
  /** Level of the simple key by its token: such a token can't be handed out yet. */
  readonly #levelOfToken = new Map<number, number>();
  #simpleKeyAllowed: boolean = true;

  constructor(text: string) {
    this.#cursor = new Cursor(text);
  }

  /** The next token. Throws TextFault where the text is not YAML. */
  peek(): Token {
    for (;;) {
      const token = this.#queue[0];
      if (token !== undefined && !this.#mayBeKey(this.#taken)) return token;
      this.#fetch();
    }
  }

  /** Steps over the token that was peeked. */
  skip(): void {
    this.#queue.shift();
    this.#taken += 1;
  }

  get #inFlow(): boolean {
    return this.#simpleKeys.length > 1;
  }

  #mayBeKey(token: number): boolean {
    const level = this.#levelOfToken.get(token);
    const key = level === undefined ? undefined : this.#simpleKeys[level];
    return key !== undefined && this.#isStillPossible(key);
  }

  #fetch(): void {
    const cursor = this.#cursor;
    this.#skipToToken();
    this.#unrollIndent(cursor.column);
    const code = cursor.code();
    if (code === endOfText) this.#fetchStreamEnd();
    else if (cursor.column === 0 && code === 0x25) this.#fetchDirective();
    else if (cursor.isAtDocumentMarker) this.#fetchDocumentMarker();
    else this.#fetchNode(cursor.text.charAt(cursor.offset));
  }

  #fetchNode(character: string): void {
    const startsWord = !isBlankOrEnd(this.#cursor.code(1));
    const flowMark = flowMarks.get(character);
    if (flowMark !== undefined) this.#fetchFlowMark(flowMark);
    else if (character === ',') this.#fetchFlowEntry();
    else if (character === '-' && !startsWord) this.#fetchEntry();
    else if (character === '?' && (this.#inFlow || !startsWord)) this.#fetchKey();
    else if (character === ':' && (this.#inFlow || !startsWord)) this.#fetchValue();
    else this.#fetchContent(character);
  }

  #fetchContent(character: string): void {
    const cursor = this.#cursor;
    if ((character === '|' || character === '>') && !this.#inFlow) {
      this.#dropSimpleKey();
      this.#simpleKeyAllowed = true;
      this.#queue.push(scanBlockScalar(cursor, this.#indent));
      return;
    }
    if (`\t,[]{}#|>%@\``.includes(character)) throw startFault(cursor.offset, character);
    this.#saveSimpleKey();
    this.#simpleKeyAllowed = false;
    if (character === '&' || character === '*') this.#queue.push(scanAnchor(cursor));
    else if (character === '!') this.#queue.push(scanTag(cursor));
    else if (character === '"' || character === "'") this.#queue.push(scanQuotedScalar(cursor));
    else {
      const { token, endsLine } = scanPlainScalar(cursor, this.#indent + 1, this.#inFlow);
      this.#queue.push(token);
      if (endsLine) this.#simpleKeyAllowed = true;
    }
  }

  /** Tabs may stand anywhere but where they would indent. */
  #skipToToken(): void {
    const cursor = this.#cursor;
    for (;;) {
      let code = cursor.code();
      while (code === 0x20 || (code === 0x09 && (this.#inFlow || !this.#simpleKeyAllowed))) {
        cursor.offset += 1;
        code = cursor.code();
      }
      cursor.skipComment();
      if (!isBreak(cursor.code())) return;
      cursor.takeBreak();
      if (!this.#inFlow) this.#simpleKeyAllowed = true;
    }
  }

  #fetchStreamEnd(): void {
    this.#endBlocks();
    // The end of the text ends its last line, and with it every simple key.
    this.#cursor.line += 1;
    this.#queue.push({ kind: 'stream-end', offset: this.#cursor.offset });
  }

  #fetchDirective(): void {
    this.#endBlocks();
    this.#queue.push(scanDirective(this.#cursor));
  }

  #fetchDocumentMarker(): void {
    this.#endBlocks();
    this.#queue.push({
      kind: this.#cursor.code() === 0x2d ? 'document-start' : 'document-end',
      offset: this.#cursor.offset,
    });
    this.#cursor.offset += 3;
  }

  #endBlocks(): void {
    this.#unrollIndent(-1);
    this.#dropSimpleKey();
    this.#simpleKeyAllowed = false;
  }

  #fetchFlowMark(kind: MarkToken['kind']): void {
    const isStart = kind === 'flow-sequence' || kind === 'flow-mapping';
    if (isStart) {
      this.#saveSimpleKey();
      this.#simpleKeys.push(noKey(this.#nextToken, this.#cursor.offset));
    } else {
      this.#dropSimpleKey();
      if (this.#inFlow) this.#levelOfToken.delete(this.#simpleKeys.pop()?.token ?? -1);
    }
    this.#simpleKeyAllowed = isStart;
    this.#takeMark(kind);
  }

  #fetchFlowEntry(): void {
    this.#dropSimpleKey();
    this.#simpleKeyAllowed = true;
    this.#takeMark('flow-entry');
  }

  #fetchEntry(): void {
    if (!this.#inFlow) {
      if (!this.#simpleKeyAllowed) {
        throw new TextFault(this.#cursor.offset, 'a list can’t start on this line', 'a new line before the dash');
      }
      this.#rollIndent(this.#cursor.column, this.#cursor.offset, 'block-sequence', this.#queue.length);
    }
    this.#dropSimpleKey();
    this.#simpleKeyAllowed = true;
    this.#takeMark('entry');
  }

  #fetchKey(): void {
    if (!this.#inFlow) {
      if (!this.#simpleKeyAllowed)
        throw new TextFault(this.#cursor.offset, 'a key can’t start on this line', 'a new line');
      this.#rollIndent(this.#cursor.column, this.#cursor.offset, 'block-mapping', this.#queue.length);
    }
    this.#dropSimpleKey();
    this.#simpleKeyAllowed = !this.#inFlow;
    this.#takeMark('key');
  }

  #fetchValue(): void {
    const key = this.#simpleKeys.at(-1);
    if (key !== undefined && this.#isStillPossible(key)) this.#insertKey(key);
    else this.#fetchComplexValue();
    this.#takeMark('value');
  }

  #insertKey(key: SimpleKey): void {
    const at = key.token - this.#taken;
    const place = at < 0 ? this.#queue.length : at;
    this.#queue.splice(place, 0, { kind: 'key', offset: key.offset });
    if (!this.#inFlow) this.#rollIndent(key.column, key.offset, 'block-mapping', place);
    key.possible = false;
    this.#levelOfToken.delete(key.token);
    this.#simpleKeyAllowed = false;
  }

  #fetchComplexValue(): void {
    if (!this.#inFlow) {
      if (!this.#simpleKeyAllowed) {
        throw new TextFault(this.#cursor.offset, 'a second “: ” on one line', 'quotes around the text, or a new line');
      }
      this.#rollIndent(this.#cursor.column, this.#cursor.offset, 'block-mapping', this.#queue.length);
    }
    this.#simpleKeyAllowed = !this.#inFlow;
  }

  #takeMark(kind: MarkToken['kind']): void {
    this.#queue.push({ kind, offset: this.#cursor.offset });
    this.#cursor.offset += 1;
  }

  get #nextToken(): number {
    return this.#taken + this.#queue.length;
  }

  #saveSimpleKey(): void {
    if (!this.#simpleKeyAllowed) return;
    const { offset, line, column } = this.#cursor;
    this.#dropSimpleKey();
    const required = !this.#inFlow && this.#indent === column;
    const level = this.#simpleKeys.length - 1;
    this.#simpleKeys[level] = { possible: true, required, token: this.#nextToken, offset, line, column };
    this.#levelOfToken.set(this.#nextToken, level);
  }

  #dropSimpleKey(): void {
    const key = this.#simpleKeys.at(-1);
    if (!key?.possible) return;
    if (key.required) throw colonFault(key.offset);
    key.possible = false;
    this.#levelOfToken.delete(key.token);
  }

  #isStillPossible(key: SimpleKey): boolean {
    if (!key.possible) return false;
    const { line, offset } = this.#cursor;
    if (key.line === line && key.offset + simpleKeyLength >= offset) return true;
    if (key.required) throw colonFault(key.offset);
    key.possible = false;
    return false;
  }

  /** Opens a block at a column that is deeper than the block around it. */
  #rollIndent(column: number, offset: number, kind: MarkToken['kind'], place: number): void {
    if (this.#indent >= column) return;
    this.#indents.push(this.#indent);
    this.#indent = column;
    this.#queue.splice(place, 0, { kind, offset });
  }

  /** Ends every block that is deeper than a column. */
  #unrollIndent(column: number): void {
    if (this.#inFlow) return;
    while (this.#indent > column) {
      this.#queue.push({ kind: 'block-end', offset: this.#cursor.offset });
      this.#indent = this.#indents.pop() ?? -1;
    }
  }
}

function noKey(token: number, offset: number): SimpleKey {
  return { possible: false, required: false, token, offset, line: 0, column: 0 };
}

function colonFault(offset: number): TextFault {
  return new TextFault(offset, 'neither a key nor the value of one', 'a colon and a space after the key');
}

function startFault(offset: number, character: string): TextFault {
  if (character === '\t') return new TextFault(offset, 'a tab can’t indent', 'spaces');
  return new TextFault(offset, `a text can’t start with ${character}`, 'quotes around the text');
}
