import { TextFault } from '../text-fault.ts';
import type { Cursor } from './cursor.ts';

/** A key without `?` has its `:` on the same line, at most so many characters after its start (YAML 1.1, 7.2). */
const longestKey = 1024;

/** A token that turns out to be a key if a `:` follows. */
export interface SimpleKey {
  readonly offset: number;
  readonly column: number;
  /** Number of the token, counted from the start of the text. */
  readonly token: number;
}

interface Candidate {
  possible: boolean;
  /** In block context, in the column of the block: nothing but a key can stand here. */
  required: boolean;
  token: number;
  offset: number;
  line: number;
  column: number;
}

/** Keeps track of which tokens may be keys: one in block context, and one within each open bracket. */
export class SimpleKeys {
  /** Whether a key may start at the next token. */
  allowed: boolean = true;
  readonly #cursor: Cursor;
  readonly #levels: Candidate[] = [noCandidate(0)];
  readonly #levelOfToken = new Map<number, number>();

  constructor(cursor: Cursor) {
    this.#cursor = cursor;
  }

  get inFlow(): boolean {
    return this.#levels.length > 1;
  }

  /** Whether a token may yet become a key, so that it can't be handed out. */
  isAwaited(token: number): boolean {
    const level = this.#levelOfToken.get(token);
    const candidate = level === undefined ? undefined : this.#levels[level];
    return candidate !== undefined && this.#isPossible(candidate);
  }

  /** Takes the token that comes next for a candidate, where one is allowed. */
  save(token: number, blockIndent: number): void {
    if (!this.allowed) return;
    this.drop();
    const candidate = this.#levels.at(-1);
    if (candidate === undefined) return;
    const { offset, line, column } = this.#cursor;
    Object.assign(candidate, { possible: true, token, offset, line, column });
    candidate.required = !this.inFlow && blockIndent === column;
    this.#levelOfToken.set(token, this.#levels.length - 1);
  }

  /** No `:` can follow the candidate any more. Throws TextFault where a key was required. */
  drop(): void {
    const candidate = this.#levels.at(-1);
    if (candidate?.possible === true) this.#exclude(candidate);
  }

  /** The candidate, now that its `:` is here; undefined where there is none. */
  take(): SimpleKey | undefined {
    const candidate = this.#levels.at(-1);
    if (candidate === undefined || !this.#isPossible(candidate)) return undefined;
    candidate.possible = false;
    this.#levelOfToken.delete(candidate.token);
    return candidate;
  }

  enterFlow(token: number): void {
    this.#levels.push(noCandidate(token));
  }

  leaveFlow(): void {
    if (this.inFlow) this.#levelOfToken.delete(this.#levels.pop()?.token ?? -1);
  }

  #isPossible(candidate: Candidate): boolean {
    if (!candidate.possible) return false;
    const { line, offset } = this.#cursor;
    if (candidate.line === line && candidate.offset + longestKey >= offset) return true;
    this.#exclude(candidate);
    return false;
  }

  #exclude(candidate: Candidate): void {
    if (candidate.required) {
      throw new TextFault(candidate.offset, 'a key without a value', 'a colon and a space after the key');
    }
    candidate.possible = false;
    this.#levelOfToken.delete(candidate.token);
  }
}

function noCandidate(token: number): Candidate {
  return { possible: false, required: false, token, offset: 0, line: 0, column: 0 };
}
