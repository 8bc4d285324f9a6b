/** What stands after the last character; NUL itself is not allowed in YAML. */
export const endOfText = 0;

/** A line break of YAML 1.1: CR, LF, NEL, LS or PS. */
export function isBreak(code: number): boolean {
  return code === 0x0a || code === 0x0d || code === 0x85 || code === 0x2028 || code === 0x2029;
}

/** A space or a tab. */
export function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** A blank, a line break, or the end of the text. */
export function isBlankOrEnd(code: number): boolean {
  return isBlank(code) || isBreak(code) || code === endOfText;
}

/** A line break or the end of the text. */
export function isBreakOrEnd(code: number): boolean {
  return isBreak(code) || code === endOfText;
}

/** A place in a text that moves forward and knows its column. */
export class Cursor {
  readonly text: string;
  offset = 0;
  /** Counts from 0. */
  line = 0;
  #lineStart = 0;

  constructor(text: string) {
    this.text = `${text}\0`;
  }

  /** The character here, or `ahead` of here. */
  code(ahead = 0): number {
    return this.text.charCodeAt(this.offset + ahead);
  }

  get column(): number {
    return this.offset - this.#lineStart;
  }

  /** Steps over a line break and returns what it stands for: CR LF, CR and NEL become LF. */
  takeBreak(): string {
    const code = this.code();
    this.offset += code === 0x0d && this.code(1) === 0x0a ? 2 : 1;
    this.line += 1;
    this.#lineStart = this.offset;
    return code === 0x2028 || code === 0x2029 ? String.fromCharCode(code) : '\n';
  }

  skipBlanks(): void {
    while (isBlank(this.code())) this.offset += 1;
  }

  /** Steps over a comment, if one stands here, up to the line break. */
  skipComment(): void {
    if (this.code() !== 0x23) return;
    while (!isBreakOrEnd(this.code())) this.offset += 1;
  }

  /** Whether `---` or `...` stands here, alone at the start of a line. */
  get isAtDocumentMarker(): boolean {
    if (this.column !== 0) return false;
    const code = this.code();
    const isMarker = (code === 0x2d || code === 0x2e) && this.code(1) === code && this.code(2) === code;
    return isMarker && isBlankOrEnd(this.code(3));
  }
}
