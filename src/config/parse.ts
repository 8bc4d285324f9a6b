import { Composer, CST, type Document, Lexer, Parser, type Tags } from 'yaml';
import type { Syntax, TextFault } from './decode.ts';
import { jsonFault, yamlFaults } from './faults.ts';

/** What a text holds. With faults, the document is only good for finding more of them, before the first fault. */
export interface ParsedText {
  readonly document: Document.Parsed | undefined;
  readonly hasAliases: boolean;
  readonly faults: readonly TextFault[];
  readonly warnings: readonly TextFault[];
}

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
    // The package cuts a text of several lines once more, and each line costs as much as two lexemes.
    for (let end = lexeme.indexOf('\n'); end >= 0 && lexeme.length > 2; end = lexeme.indexOf('\n', end + 1)) {
      this.#lexemes -= 2;
    }
    if (!isBlank(lexeme)) this.#words -= wordsOf(lexeme);
    return this.#lexemes >= 0 && this.#words >= 0;
  }
}

/** More than one for a lexeme that makes nodes of which nothing else may be written: `:` alone is a pair of empty ones. */
function wordsOf(lexeme: string): number {
  if (lexeme === '?') return 3;
  return lexeme === ':' || lexeme.startsWith('*') ? 2 : 1;
}

/** Spaces and line breaks, and the lexer's own marks, which are not in the text. */
function isBlank(lexeme: string): boolean {
  return lexerMarks.has(lexeme) || /^\s/.test(lexeme);
}

const lexerMarks: ReadonlySet<string> = new Set([CST.DOCUMENT, CST.FLOW_END, CST.SCALAR]);

/** An anchor or a tag. */
const propertyLexeme = /^[&!]/;
/** Composing is recursive, and near the limit of its stack V8 may end the process where nothing can catch it. */
const deepest = 200;
/** A bigint of a million digits takes its time. */
const longestNumber = 1000;
/** One anchor and one tag are all that a node may have; the package needs quadratic time for many. */
const mostProperties = 4;

/**
 * Reads the first document of a YAML 1.1 text, or a strict JSON text, with the `yaml` package. Never throws, and never
 * overflows the stack, whatever the text.
 */
export function parseText(text: string, syntax: Syntax, budget: ParseBudget): ParsedText {
  const lexemes = cutIntoLexemes(text, budget);
  if (!Array.isArray(lexemes)) return failed(lexemes);
  // Strictness is JSON.parse's; the places of the values then come from YAML, of which every JSON text is one.
  const fault = syntax === 'json' ? jsonFault(text) : undefined;
  if (fault !== undefined) return failed(fault);
  return compose(lexemes, text);
}

function failed(fault: TextFault): ParsedText {
  return { document: undefined, hasAliases: false, faults: [fault], warnings: [] };
}

function cutIntoLexemes(text: string, budget: ParseBudget): string[] | TextFault {
  budget.takeText();
  const lexemes: string[] = [];
  let offset = 0;
  let properties = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (!budget.take(lexeme)) {
      return { offset, message: 'too many values up to here, in all texts together', expected: 'at most 100000 CIDRs' };
    }
    if (propertyLexeme.test(lexeme)) properties += 1;
    else if (!isBlank(lexeme)) properties = 0;
    if (properties > mostProperties)
      return { offset, message: `more than ${mostProperties} anchors or tags on one value` };
    if (lexeme.length > longestNumber && /^[-+]?[0-9][0-9A-Fa-fx_]*$/.test(lexeme)) {
      return { offset, message: `a number of more than ${longestNumber} digits` };
    }
    lexemes.push(lexeme);
    if (!lexerMarks.has(lexeme)) offset += lexeme.length;
  }
  return lexemes;
}

/** The package's options under which it reads YAML 1.1 as Go does, as far as it can; the rest is in `settings.ts`. */
const options = {
  version: '1.1',
  // Go keeps dates and sexagesimal numbers as text, and knows no other collections than lists and mappings.
  customTags: (tags: Tags): Tags => tags.filter((tag) => typeof tag === 'string' || !isUnknownToGo(tag)),
  // Later keys overwrite earlier ones, with a warning of ours.
  uniqueKeys: false,
  strict: false,
  intAsBigInt: true,
  prettyErrors: false,
  logLevel: 'silent',
} as const;

function isUnknownToGo({ tag, format }: { readonly tag: string; readonly format?: string }): boolean {
  return format === 'TIME' || /:(?:timestamp|omap|pairs|set)$/.test(tag);
}

function compose(lexemes: readonly string[], text: string): ParsedText {
  const { tokens, end, fault } = parseFirstDocument(lexemes);
  if (fault !== undefined) return failed(fault);
  const [document] = withoutStackTraces(() => [...new Composer(options).compose(tokens, true, end)]);
  return {
    document,
    hasAliases: lexemes.some((lexeme) => lexeme.startsWith('*')),
    faults: yamlFaults(document?.errors ?? [], text),
    warnings: textBehind(text, end),
  };
}

/** The tokens of the first document, and where it ends; Go does not look at what stands behind it. */
function parseFirstDocument(lexemes: readonly string[]): { tokens: CST.Token[]; end: number; fault?: TextFault } {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  for (const lexeme of lexemes) {
    const end = parser.offset;
    for (const token of parser.next(lexeme)) tokens.push(token);
    const last = tokens.at(-1);
    const isBehindContent = (lexeme === '---' || lexeme === '...') && tokens.some(({ type }) => type === 'document');
    if (isBehindContent) return { tokens, end };
    const fault = last?.type === 'directive' ? versionFault(last) : undefined;
    if (fault !== undefined) return { tokens, end, fault };
    if (parser.stack.length > deepest) {
      return { tokens, end, fault: { offset: end, message: `nested more than ${deepest} levels deep` } };
    }
  }
  tokens.push(...parser.end());
  return { tokens, end: parser.offset };
}

/** In another version, other words are booleans. */
function versionFault({ source, offset }: { readonly source: string; readonly offset: number }): TextFault | undefined {
  if (!/^%YAML\b/.test(source) || /^%YAML[ \t]+1\.1$/.test(source.trim())) return undefined;
  return { offset, message: 'a YAML version that Go does not read', expected: '%YAML 1.1, or nothing' };
}

/** A broken text may have errors by the ten thousand, and the stack trace of each would cost half a kilobyte. */
function withoutStackTraces<T>(work: () => T): T {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

function textBehind(text: string, end: number): readonly TextFault[] {
  const rest = text.slice(end);
  const content = /^(?!(?:---|\.\.\.)?[ \t\r]*(?:#.*)?$)./m.exec(rest);
  return content === null
    ? []
    : [{ offset: end, message: 'ignored from here on: only the first YAML document of a file is read' }];
}
