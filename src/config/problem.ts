import type { Problem } from './config.ts';
import type { ConfigNode } from './node.ts';
import type { Position } from './source.ts';

const longestQuote = 60;
const longestMessage = 300;

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
    message: shortened(message, longestMessage),
    ...(found === undefined ? {} : { found: shortened(found, longestQuote) }),
    ...(expected === undefined ? {} : { expected: shortened(expected, longestMessage) }),
  };
}

/** `file:line:column: found: message (expected …)`: one line for logs, terminals and editors. */
export function formatProblem({ position, file, message, found, expected }: Problem): string {
  const place = position === undefined ? file : `${position.file}:${position.line}:${position.column}`;
  const quote = found === undefined ? '' : `${found}: `;
  return `${place}: ${quote}${message}${expected === undefined ? '' : ` (expected ${expected})`}`;
}

/** A value in the words of an error message: a text in quotes, so that it is told from a number or a boolean. */
export function quoteNode(node: ConfigNode): string {
  switch (node.kind) {
    case 'null':
      return 'nothing';
    case 'boolean':
      return String(node.value);
    case 'number':
      return node.literal;
    case 'string':
      return JSON.stringify(node.value.slice(0, longestQuote + 1));
    case 'list':
      return 'a list';
    case 'map':
      return 'a mapping';
  }
}

/** One line of at most so many characters, with control characters made visible. */
function shortened(text: string, length: number): string {
  const line = text.slice(0, length + 1).replaceAll(/[^ -~\u00a0-\u2027\u202a-\ud7ff\ue000-\ufffd]/gu, escaped);
  return line.length <= length ? line : `${line.slice(0, length - 1)}\u2026`;
}

/** JSON leaves some characters as they are that a terminal takes for orders (U+007F to U+009F) or for the end of a line. */
function escaped(character: string): string {
  const text = JSON.stringify(character).slice(1, -1);
  const isRaw = /^[\u007f-\u009f\u2028\u2029]$/.test(text);
  return isRaw ? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}` : text;
}
