import { type ConfigNode, type MapEntry, maximumDepth, maximumNodes, type TextReading } from './node.ts';
import { TextFault } from './text-fault.ts';

/**
 * Reads strict JSON (RFC 8259) as Go's encoding/json does: every occurrence of a key counts, in the order written, and
 * halves of surrogate pairs become U+FFFD. Throws TextFault at the first thing that is not JSON.
 */
export function parseJson(text: string): TextReading {
  return { root: new JsonParser(text).parse(), problems: [], warnings: [] };
}

const rule = 'a file that starts with { is read as strict JSON';

class JsonParser {
  readonly #text: string;
  #offset = 0;
  #depth = 0;
  #nodes = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): ConfigNode {
    const root = this.#value();
    this.#skipSpace();
    if (this.#offset < this.#text.length) throw this.#fault('text after the end of the JSON value', 'nothing');
    return root;
  }

  #value(): ConfigNode {
    this.#skipSpace();
    this.#nodes += 1;
    if (this.#nodes > maximumNodes) throw this.#fault(`more than ${maximumNodes} values`);
    const offset = this.#offset;
    const character = this.#text.charAt(offset);
    if (character === '{') return this.#object(offset);
    if (character === '[') return this.#array(offset);
    if (character === '"') return { kind: 'string', offset, value: this.#string() };
    const literal = this.#take(/-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/y);
    if (literal !== '') return { kind: 'number', offset, literal };
    const word = this.#take(/(?:null|true|false)/y);
    if (word === '')
      throw this.#fault('not a JSON value', 'a text in double quotes, a number, true, false, null, [ or {');
    return word === 'null' ? { kind: 'null', offset } : { kind: 'boolean', offset, value: word === 'true' };
  }

  #object(offset: number): ConfigNode {
    const entries: MapEntry[] = [];
    for (const keyOffset of this.#members('}')) {
      if (this.#text.charAt(keyOffset) !== '"') throw this.#fault('not a key', 'a key in double quotes');
      const key = this.#string();
      this.#skipSpace();
      if (this.#text.charAt(this.#offset) !== ':') throw this.#fault('no colon after the key', ':');
      this.#offset += 1;
      entries.push({ key, keyOffset, value: this.#value() });
    }
    return { kind: 'map', offset, entries, overwritten: [] };
  }

  #array(offset: number): ConfigNode {
    const items: ConfigNode[] = [];
    for (const _ of this.#members(']')) items.push(this.#value());
    return { kind: 'list', offset, items };
  }

  /** Steps through what stands between brackets; yields the offset where each member begins. */
  *#members(bracket: string): Generator<number, void> {
    this.#depth += 1;
    if (this.#depth > maximumDepth) throw this.#fault(`nested more than ${maximumDepth} levels deep`);
    this.#offset += 1;
    this.#skipSpace();
    let isFirst = true;
    while (isFirst ? this.#text.charAt(this.#offset) !== bracket : !this.#endsAfterMember(bracket)) {
      yield this.#offset;
      isFirst = false;
      this.#skipSpace();
    }
    this.#offset += 1;
    this.#depth -= 1;
  }

  #endsAfterMember(bracket: string): boolean {
    if (this.#text.charAt(this.#offset) === bracket) return true;
    if (this.#text.charAt(this.#offset) !== ',')
      throw this.#fault(`neither a comma nor the closing ${bracket}`, `a comma or ${bracket}`);
    const comma = this.#offset;
    this.#offset += 1;
    this.#skipSpace();
    if (this.#text.charAt(this.#offset) !== bracket) return false;
    throw new TextFault(comma, `a comma before the closing ${bracket}; ${rule}`, 'no comma after the last entry');
  }

  #string(): string {
    const start = this.#offset;
    let hasEscapes = false;
    let offset = start + 1;
    for (;;) {
      const code = this.#text.charCodeAt(offset);
      if (code === 0x22) break;
      if (!(code >= 0x20)) throw new TextFault(start, 'the quoted text does not end on its line', '"');
      if (code === 0x5c) {
        hasEscapes = true;
        if (!isEscape(this.#text, offset + 1))
          throw new TextFault(offset, 'unknown escape in a JSON text', '\\\\ for a backslash');
        offset += 1;
      }
      offset += 1;
    }
    this.#offset = offset + 1;
    return hasEscapes ? unescaped(this.#text.slice(start, offset + 1)) : this.#text.slice(start + 1, offset);
  }

  #skipSpace(): void {
    this.#take(/[ \t\r\n]*/y);
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#offset;
    const taken = pattern.exec(this.#text)?.[0] ?? '';
    this.#offset += taken.length;
    return taken;
  }

  #fault(message: string, expected?: string): TextFault {
    return new TextFault(this.#offset, `${message}; ${rule}`, expected);
  }
}

function isEscape(text: string, offset: number): boolean {
  return '"\\/bfnrt'.includes(text.charAt(offset) || ' ') || /^u[0-9a-fA-F]{4}$/.test(text.slice(offset, offset + 5));
}

/** The text of a JSON string that has been checked; halves of surrogate pairs become U+FFFD, as in Go. */
function unescaped(quoted: string): string {
  const text: unknown = JSON.parse(quoted);
  return String(text).toWellFormed();
}
