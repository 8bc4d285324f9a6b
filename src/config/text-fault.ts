/** A text that can't be read on: where, why, and what would be valid there. */
export class TextFault extends Error {
  override readonly name = 'TextFault';
  /** Offset into the text, in UTF-16 code units. */
  readonly offset: number;
  readonly expected?: string;
  /** Where the bracket stands that the fault lies within, if it does. */
  readonly bracket?: number;

  constructor(offset: number, message: string, expected?: string, bracket?: number) {
    super(message);
    this.offset = offset;
    if (expected !== undefined) this.expected = expected;
    if (bracket !== undefined) this.bracket = bracket;
  }
}
