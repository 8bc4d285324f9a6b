import { printable } from '../text.ts';
import type { Problem } from './config.ts';
import type { Position } from './source.ts';

const longestQuote = 60;
const longestMessage = 300;

/** Nobody reads further, and a hostile file must not cost time and memory. */
const mostListed = 200;

/** What a problem says besides its place. */
export interface ProblemText {
  readonly message: string;
  readonly found?: string | undefined;
  readonly expected?: string | undefined;
}

/** A problem at a place in a file. */
export function problemAt(position: Position, text: ProblemText): Problem {
  return { position, ...problemOf(position.file, text) };
}

/** A problem with a file or a directory as a whole. */
export function problemOf(file: string, { message, found, expected }: ProblemText): Problem {
  return {
    file,
    message: shortLine(message, longestMessage),
    ...(found === undefined ? {} : { found: shortLine(found, longestQuote) }),
    ...(expected === undefined ? {} : { expected: shortLine(expected, longestMessage) }),
  };
}

/** `file:line:column: found: message (expected …)`: one line for logs, terminals and editors. */
export function formatProblem({ position, file, message, found, expected }: Problem): string {
  const name = printable(file);
  const place = position === undefined ? name : `${name}:${position.line}:${position.column}`;
  const quote = found === undefined ? '' : `${found}: `;
  return `${place}: ${quote}${message}${expected === undefined ? '' : ` (expected ${expected})`}`;
}

/** A text in quotes, so that it is told from a number or a boolean; not more of it than a message shows. */
export function quoted(text: string): string {
  return JSON.stringify(text.slice(0, longestQuote + 1));
}

/** One line of at most so many characters, with control characters made visible. */
function shortLine(text: string, length: number): string {
  const line = printable(text.slice(0, length + 1));
  return line.length <= length ? line : `${line.slice(0, length - 1)}\u2026`;
}

/** Collects what is wrong and what is odd. Problems stop a config from being used, warnings don't. */
export class ProblemList {
  readonly #problems: Problem[] = [];
  readonly #warnings: Problem[] = [];
  #isIncomplete = false;

  /** So many problems that further ones are left out. */
  get isFull(): boolean {
    return this.#problems.length > mostListed;
  }

  problem(problem: Problem): void {
    if (!this.isFull) this.#problems.push(problem);
  }

  /** A problem for which something was not read: what the files say together can't be judged then. */
  unreadable(problem: Problem): void {
    this.#isIncomplete = true;
    this.problem(problem);
  }

  get isIncomplete(): boolean {
    return this.#isIncomplete;
  }

  /** Takes what makes the warning, since it is not made where it would be left out. */
  warning(warn: () => Problem): void {
    if (this.#warnings.length <= mostListed) this.#warnings.push(warn());
  }

  /** A warning that is never left out, and comes before the others of its place. */
  loudWarning(warning: Problem): void {
    this.#warnings.unshift(warning);
  }

  get problems(): readonly Problem[] {
    return limited(this.#problems, 'problems');
  }

  get warnings(): readonly Problem[] {
    return limited(this.#warnings, 'warnings');
  }
}

/** In the order of the files and of the places in them; where there are too many, a last one stands for all others. */
function limited(found: readonly Problem[], name: string): readonly Problem[] {
  const files = [...new Set(found.map(({ file }) => file))];
  const sorted = files.flatMap((file) => found.filter((problem) => problem.file === file).sort(byPosition));
  const first = sorted[mostListed];
  return first === undefined
    ? sorted
    : [...sorted.slice(0, mostListed), { file: first.file, message: `further ${name}` }];
}

function byPosition({ position: a }: Problem, { position: b }: Problem): number {
  return (a?.line ?? 0) - (b?.line ?? 0) || (a?.column ?? 0) - (b?.column ?? 0);
}
