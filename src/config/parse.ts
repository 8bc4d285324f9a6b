import { Composer, type CST, type Document, Lexer, Parser, type Tags } from 'yaml';
import type { Syntax, TextFault } from './decode.ts';
import { jsonFault, yamlFaults } from './faults.ts';
import { LexemeGuard, type ParseBudget } from './parse-budget.ts';

/** What a text holds. With faults, the document is only good for finding more of them, before the first fault. */
export interface ParsedText {
  readonly document: Document.Parsed | undefined;
  readonly hasAliases: boolean;
  readonly faults: readonly TextFault[];
  readonly warnings: readonly TextFault[];
}

/** Composing is recursive, and near the limit of its stack V8 may end the process where nothing can catch it. */
const deepest = 200;

/**
 * Reads the first document of a YAML 1.1 text, or a strict JSON text, with the `yaml` package. Never throws, and never
 * overflows the stack, whatever the text.
 */
export function parseText(text: string, syntax: Syntax, budget: ParseBudget): ParsedText {
  const source = readTokens(text, new LexemeGuard(budget));
  // Strictness is JSON.parse's; the places of the values then come from YAML, of which every JSON text is one.
  const fault = source.fault ?? (syntax === 'json' ? jsonFault(text) : undefined);
  return fault === undefined ? compose(source, text) : failed(fault);
}

function failed(fault: TextFault): ParsedText {
  return { document: undefined, hasAliases: false, faults: [fault], warnings: [] };
}

/** The first document of a text as the package's parser knows it: what the text says, and nothing of what it means. */
interface TokenSource {
  readonly tokens: readonly CST.Token[];
  /** Where the document ends; Go does not look at what stands behind it. */
  readonly end: number;
  readonly hasAliases: boolean;
  /** Why the text was read no further. */
  readonly fault?: TextFault;
}

/** Lexes and parses in one go, since the lexemes of 100,000 CIDRs would take 25 MB beside what the parser makes of them. */
function readTokens(text: string, guard: LexemeGuard): TokenSource {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  let hasDocument = false;
  let hasAliases = false;
  const until = (end: number, fault?: Omit<TextFault, 'offset'>): TokenSource => ({
    tokens,
    end,
    hasAliases,
    ...(fault === undefined ? {} : { fault: { offset: end, ...fault } }),
  });
  for (const lexeme of new Lexer().lex(text)) {
    const start = parser.offset;
    const fault = guard.faultOf(lexeme);
    if (fault !== undefined) return until(start, fault);
    hasAliases ||= lexeme.startsWith('*');
    for (const token of parser.next(lexeme)) {
      if (token.type === 'directive' && !isVersionOfGo(token.source)) return until(token.offset, versionFault);
      hasDocument ||= token.type === 'document';
      tokens.push(token);
    }
    if (hasDocument && (lexeme === '---' || lexeme === '...')) return until(start);
    if (parser.stack.length > deepest) return until(start, { message: `nested more than ${deepest} levels deep` });
  }
  tokens.push(...parser.end());
  return until(parser.offset);
}

const versionFault = { message: 'a YAML version that Go does not read', expected: '%YAML 1.1, or nothing' };

/** In another version, other words are booleans. */
function isVersionOfGo(directive: string): boolean {
  return !/^%YAML\b/.test(directive) || /^%YAML[ \t]+1\.1$/.test(directive.trim());
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

function compose({ tokens, end, hasAliases }: TokenSource, text: string): ParsedText {
  const [document] = withoutStackTraces(() => [...new Composer(options).compose(tokens, true, end)]);
  return { document, hasAliases, faults: yamlFaults(document?.errors ?? [], text), warnings: textBehind(text, end) };
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
