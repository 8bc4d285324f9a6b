import { LineCounter } from 'yaml';
import type { Position } from './source.ts';

/** Longer than anything that a message shows. */
const longestLine = 200;

/** Where a text stands that is a value in another text. */
export interface Placement {
  /** The first line of a literal block, or else the place of the value. */
  readonly start: Position;
  /** Spaces before each line of a literal block; absent for any other value, whose lines can't be told apart. */
  readonly indent?: number;
}

/** Tells offsets in a text as positions in a file. Lines end with LF. */
export class Positions {
  readonly text: string;
  readonly #placement: Placement;
  #lines: LineCounter | undefined;

  /** Of a whole file, or with a placement of a text within one. */
  constructor(place: string | Placement, text: string) {
    this.#placement = typeof place === 'string' ? { start: { file: place, line: 1, column: 1 }, indent: 0 } : place;
    this.text = text;
  }

  /** The position of an offset in UTF-16 code units. */
  at(offset: number): Position {
    const { start, indent } = this.#placement;
    if (indent === undefined) return start;
    this.#lines ??= countLines(this.text);
    const { line, col } = this.#lines.linePos(offset);
    return { file: start.file, line: start.line + line - 1, column: col + indent };
  }

  /** What stands at an offset, up to the end of its line. */
  restOfLine(offset: number): string {
    return /^[^\r\n]*/.exec(this.text.slice(offset, offset + longestLine))?.[0] ?? '';
  }

  /** The line that an offset lies in. */
  lineAround(offset: number): string {
    const before = this.text.slice(Math.max(0, offset - longestLine), offset);
    return before.slice(before.lastIndexOf('\n') + 1) + this.restOfLine(offset);
  }
}

function countLines(text: string): LineCounter {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', end + 1)) lines.addNewLine(end + 1);
  return lines;
}
