import { TextFault } from '../text-fault.ts';
import { Scanner } from './scanner.ts';
import { TagHandles } from './tag-handles.ts';
import type { Token } from './token.ts';

/** What may stand before a node: `&anchor` and `!tag`. */
export interface Properties {
  readonly offset: number;
  readonly anchor: string | undefined;
  /** The full tag; `!` for the lone exclamation mark. */
  readonly tag: string | undefined;
}

/** The tokens of a text, one at a time, with one to look at ahead. Each method may throw TextFault. */
export class TokenReader {
  readonly handles = new TagHandles();
  readonly #scanner: Scanner;

  constructor(text: string) {
    this.#scanner = new Scanner(text);
  }

  peek(): Token {
    return this.#scanner.peek();
  }

  skip(): void {
    this.#scanner.skip();
  }

  is(kind: Token['kind']): boolean {
    return this.#scanner.peek().kind === kind;
  }

  isOneOf(kinds: readonly Token['kind'][]): boolean {
    return kinds.includes(this.#scanner.peek().kind);
  }

  /** Steps over a token that must stand next; without it, `message` says what else that must be. */
  take(kind: Token['kind'], message: string, expected: string, bracket?: number): void {
    if (!this.is(kind)) throw this.fault(message, expected, bracket);
    this.#scanner.skip();
  }

  /** Steps over an anchor and a tag, in either order, as far as there are any. */
  takeProperties(): Properties {
    const { offset } = this.#scanner.peek();
    let anchor: string | undefined;
    let tag: string | undefined;
    for (;;) {
      const token = this.#scanner.peek();
      if (token.kind === 'anchor' && anchor === undefined) anchor = token.name;
      else if (token.kind === 'tag' && tag === undefined) tag = this.handles.resolve(token);
      else return { offset, anchor, tag };
      this.#scanner.skip();
    }
  }

  fault(message: string, expected?: string, bracket?: number): TextFault {
    return new TextFault(this.#scanner.peek().offset, message, expected, bracket);
  }
}
