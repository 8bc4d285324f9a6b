const newline = 0x0a;

/**
 * Cuts a stream of bytes into lines. Each line is a string of its own: a part of a longer one would keep the whole of
 * it in memory for as long as anybody keeps the part.
 */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  #rest: Buffer = Buffer.alloc(0);

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  add(piece: Uint8Array): void {
    const text =
      this.#rest.length > 0
        ? Buffer.concat([this.#rest, piece])
        : Buffer.from(piece.buffer, piece.byteOffset, piece.length);
    let start = 0;
    for (let end = text.indexOf(newline); end >= 0; end = text.indexOf(newline, start)) {
      this.#onLine(text.toString('latin1', start, end));
      start = end + 1;
    }
    // A copy, since whoever gave the piece may use its memory again.
    this.#rest = Buffer.from(text.subarray(start));
  }

  /** Gives what stands after the last newline, if anything. */
  end(): void {
    if (this.#rest.length > 0) this.#onLine(this.#rest.toString('latin1'));
    this.#rest = Buffer.alloc(0);
  }
}
