/**
 * Bounds what all texts of one reading may hold together, counted on the package's lexemes (the pieces that its lexer
 * cuts a text into) before anything is built of them: the lexer is fast and small, but a node costs up to 700 bytes.
 * 100,000 CIDRs, one a line, indented and each with a comment, take 800,000 lexemes and 300,000 words.
 */
export class ParseBudget {
  #lexemes = 1_050_000;
  /** Lexemes that are not blank, weighed by the nodes that they make. */
  #words = 320_000;

  /** Counts a text, since a manifest may have as many as it has lines, and each costs a document of its own. */
  takeText(): void {
    this.#words -= 30;
  }

  /** Counts a lexeme; false where the budget is used up. */
  take(lexeme: string): boolean {
    this.#lexemes -= 1;
    if (lexeme.length > 2) this.#lexemes -= 2 * lineBreaksIn(lexeme);
    if (!isBlank(lexeme)) this.#words -= wordsOf(lexeme);
    return this.#lexemes >= 0 && this.#words >= 0;
  }
}

/** A bigint of a million digits takes its time. */
const longestNumber = 1000;
/** One anchor and one tag are all that a node may have; the package needs quadratic time for many. */
const mostProperties = 4;

/** Looks at the lexemes of one text before the parser gets them. */
export class LexemeGuard {
  readonly #budget: ParseBudget;
  #properties = 0;

  constructor(budget: ParseBudget) {
    this.#budget = budget;
    budget.takeText();
  }

  /** Why the text is to be read no further; undefined where the lexeme will do. */
  faultOf(lexeme: string): { readonly message: string; readonly expected?: string } | undefined {
    if (!this.#budget.take(lexeme)) {
      return { message: 'too many values up to here, in all texts together', expected: 'at most 100000 CIDRs' };
    }
    if (lexeme.startsWith('&') || lexeme.startsWith('!')) this.#properties += 1;
    else if (!isBlank(lexeme)) this.#properties = 0;
    if (this.#properties > mostProperties)
      return { message: `more than ${mostProperties} anchors or tags on one value` };
    return lexeme.length > longestNumber && /^[-+]?[0-9][0-9A-Fa-fx_]*$/.test(lexeme)
      ? { message: `a number of more than ${longestNumber} digits` }
      : undefined;
  }
}

/** The package cuts a text of several lines once more, and each line costs as much as two lexemes. */
function lineBreaksIn(lexeme: string): number {
  let count = 0;
  for (let end = lexeme.indexOf('\n'); end >= 0; end = lexeme.indexOf('\n', end + 1)) count += 1;
  return count;
}

/** More than one for a lexeme that makes nodes of which nothing else may be written: `:` alone is a pair of empty ones. */
function wordsOf(lexeme: string): number {
  if (lexeme === '?') return 3;
  return lexeme === ':' || lexeme.startsWith('*') ? 2 : 1;
}

/** Spaces and line breaks, and the lexer's own marks, which are control characters as well. */
function isBlank(lexeme: string): boolean {
  return lexeme.charCodeAt(0) <= 0x20 || lexeme === '\ufeff';
}
