import type { LiteralBlock } from './node.ts';
import type { Position } from './source.ts';

/** Tells offsets in a text as positions in a file. */
export interface Places {
  at(offset: number): Position;
  /** What stands at an offset, up to the end of its line. */
  lineFrom(offset: number): string;
}

/** The places of a text that is a whole file. Lines end with LF, CR LF or CR. */
export class FilePlaces implements Places {
  readonly #file: string;
  readonly #text: string;
  readonly #lineStarts: Uint32Array;

  constructor(file: string, text: string) {
    this.#file = file;
    this.#text = text;
    this.#lineStarts = lineStartsOf(text);
  }

  at(offset: number): Position {
    const line = lineOf(this.#lineStarts, offset);
    return { file: this.#file, line: line + 1, column: offset - (this.#lineStarts[line] ?? 0) + 1 };
  }

  lineFrom(offset: number): string {
    return restOfLine(this.#text, offset);
  }
}

/** The places of a text that is a value in another text: exact where it is a literal block, else where the value begins. */
export class ValuePlaces implements Places {
  readonly #start: Position;
  readonly #block: LiteralBlock | undefined;
  readonly #text: string;
  readonly #lineStarts: Uint32Array;

  constructor(
    outer: Places,
    value: { readonly offset: number; readonly value: string; readonly literal?: LiteralBlock },
  ) {
    this.#start = outer.at(value.literal?.offset ?? value.offset);
    this.#block = value.literal;
    this.#text = value.value;
    this.#lineStarts = lineStartsOf(value.value);
  }

  at(offset: number): Position {
    if (this.#block === undefined) return this.#start;
    const line = lineOf(this.#lineStarts, offset);
    const column = offset - (this.#lineStarts[line] ?? 0) + 1 + this.#block.indent;
    return { file: this.#start.file, line: this.#start.line + line, column };
  }

  lineFrom(offset: number): string {
    return restOfLine(this.#text, offset);
  }
}

/** Offsets at which the lines start. A text may have millions of lines, and a typed array costs 4 bytes for each. */
function lineStartsOf(text: string): Uint32Array {
  const lineBreak = /\r\n?|\n/g;
  let count = 1;
  while (lineBreak.test(text)) count += 1;
  const starts = new Uint32Array(count);
  for (let line = 1; lineBreak.test(text); line += 1) starts[line] = lineBreak.lastIndex;
  return starts;
}

/** Index of the line that holds an offset, by bisection. */
function lineOf(starts: Uint32Array, offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

function restOfLine(text: string, offset: number): string {
  return /^[^\r\n]*/.exec(text.slice(offset, offset + 200))?.[0] ?? '';
}
