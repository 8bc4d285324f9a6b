import { isMap } from 'yaml';
import type { ConfigOptions, ConfigReading, Problem } from './config.ts';
import { type ConfigText, decodeConfig, type TextFault } from './decode.ts';
import { ConfigDocument, type Entries } from './document.ts';
import { keysFoundDeeper, syntaxHint } from './hints.ts';
import { filesOf, isConfigMap } from './manifest.ts';
import { mergeSettings } from './merge.ts';
import { oddText } from './near-misses.ts';
import { parseText } from './parse.ts';
import { ParseBudget } from './parse-budget.ts';
import { Positions } from './positions.ts';
import { ProblemList, problemAt } from './problems.ts';
import { type ConfigSchema, configKeyOf, configSchema } from './schema.ts';
import { type FileSettings, readSettings } from './settings.ts';
import type { Snapshot } from './snapshot.ts';

/** Makes a config of the files' bytes; `digest` is theirs. Pure. */
export function interpretSnapshot(snapshot: Snapshot, options: ConfigOptions, digest: string): ConfigReading {
  const list = new ProblemList();
  for (const problem of snapshot.problems) list.unreadable(problem);
  for (const warning of snapshot.warnings) list.warning(() => warning);
  const interpreter = new Interpreter(configSchema(options.enableIPv6, options.allowNames), list);
  for (const { path, bytes } of snapshot.files) interpreter.readFile(path, bytes);
  const config = mergeSettings(interpreter.finish(), options, list);
  const { problems, warnings } = list;
  const files = snapshot.files.map(({ path }) => path);
  return problems.length === 0
    ? { ok: true, config, warnings, files, digest }
    : { ok: false, problems, warnings, files, digest };
}

/** A mapping of a text, and what it takes to read it. */
interface Mapping {
  readonly document: ConfigDocument;
  readonly entries: Entries;
  readonly positions: Positions;
}

/**
 * Reads the files of one config: every problem and warning goes to one list, and one budget bounds them together. A
 * fault is what is wrong at an offset of a text; a problem is that with file, line, column and advice.
 */
class Interpreter {
  readonly #schema: ConfigSchema;
  readonly #problems: ProblemList;
  readonly #budget = new ParseBudget();
  readonly #settings: FileSettings[] = [];
  /** Texts with keys of which none is known. */
  readonly #unused: Mapping[] = [];

  constructor(schema: ConfigSchema, problems: ProblemList) {
    this.#schema = schema;
    this.#problems = problems;
  }

  /** Reads one file. A whole ConfigMap manifest counts as the files in its `data`. */
  readFile(path: string, bytes: Uint8Array): void {
    const content = decodeConfig(bytes);
    const positions = new Positions(path, content.text);
    const mapping = this.#readMapping(content, positions);
    if (mapping === undefined) return;
    const { document, entries } = mapping;
    if (!isConfigMap(entries.entries, document)) {
      this.#readSettings(mapping);
      return;
    }
    for (const { text, placement } of filesOf(entries.entries, document, positions, this.#problems)) {
      const inner = decodeConfig(Buffer.from(text));
      const innerMapping = this.#readMapping(inner, new Positions(placement, inner.text));
      if (innerMapping !== undefined) this.#readSettings(innerMapping);
    }
    this.#tellFaults(mapping);
  }

  /** What the files set, once all are read. */
  finish(): readonly FileSettings[] {
    const setsNothing = this.#settings.every(isEmpty);
    for (const mapping of this.#problems.isIncomplete ? [] : this.#unused)
      this.#problems.loudWarning(unusedFile(mapping, setsNothing));
    return this.#settings;
  }

  /**
   * The mapping that a text holds; undefined where it holds none, which is a problem unless it is empty. Of a broken
   * text, only the entries before the first break are kept, for the sake of their problems.
   */
  #readMapping(content: ConfigText, positions: Positions): Mapping | undefined {
    if (content.fault !== undefined) {
      this.#problems.unreadable(faultAt(positions, content.fault));
      return undefined;
    }
    const { document: parsed, hasAliases, faults, warnings } = parseText(content.text, content.syntax, this.#budget);
    for (const fault of faults) this.#problems.unreadable(faultAt(positions, fault));
    for (const warning of warnings) this.#problems.warning(() => faultAt(positions, warning));
    if (parsed === undefined) return undefined;
    const document = new ConfigDocument(parsed, content.syntax, hasAliases);
    const { root } = document;
    if (isMap(root.node)) {
      const entries = document.entries(root.node, faults[0]?.offset);
      return { document, entries, positions };
    }
    this.#tellFaults({ document, positions });
    if (document.plain(root) !== null && faults.length === 0) {
      const text = oddText(positions.lineAround(root.offset)) ?? {
        message: 'the config is not a mapping of keys to values',
        expected: 'a key, a colon, a space and a value, such as masqLinkLocal: true',
      };
      this.#problems.unreadable(problemAt(positions.at(root.offset), { found: document.quote(root), ...text }));
    }
    return undefined;
  }

  #readSettings(mapping: Mapping): void {
    const { document, entries, positions } = mapping;
    const settings = readSettings(entries, { document, positions, schema: this.#schema, problems: this.#problems });
    this.#settings.push(settings);
    const isUsed = entries.entries.some(({ key }) => configKeyOf(key) !== undefined);
    if (entries.entries.length > 0 && !isUsed) this.#unused.push(mapping);
    this.#tellFaults(mapping);
  }

  #tellFaults({ document, positions }: Omit<Mapping, 'entries'>): void {
    for (const fault of document.faults) {
      if (this.#problems.isFull) break;
      this.#problems.unreadable(faultAt(positions, fault));
    }
  }
}

/** A fault with what stands there, in the words of what was probably meant where that can be told. */
function faultAt(positions: Positions, { offset, message, expected }: TextFault): Problem {
  const rest = positions.restOfLine(offset);
  const place = offset + (/^[ \t]*/.exec(rest)?.[0].length ?? 0);
  const hint = syntaxHint(positions.text, place) ?? oddText(positions.lineAround(offset)) ?? { message, expected };
  return problemAt(positions.at(place), { found: rest.trim() || undefined, ...hint });
}

function isEmpty({ destinations, sources, booleans, outputAddresses, ...single }: FileSettings): boolean {
  const isUnset = Object.values(single).every((setting) => setting === undefined);
  return destinations.size + sources.size + booleans.size + outputAddresses.length === 0 && isUnset;
}

/** A file whose keys stand too deep, or are those of something else: accepted, but not in silence. */
function unusedFile({ document, entries, positions }: Mapping, setsNothing: boolean): Problem {
  const deeper = keysFoundDeeper(entries.entries, document);
  const [first] = entries.entries.toSorted((a, b) => a.keyOffset - b.keyOffset);
  const consequence = setsNothing ? 'NOTHING HERE IS USED, and the defaults are in force' : 'NOTHING HERE IS USED';
  const where = deeper.length === 0 ? '' : `; found deeper, where they are not read: ${deeper.join(', ')}`;
  return problemAt(positions.at(first?.keyOffset ?? 0), {
    message: `${consequence}: none of the keys is one of a config${where}`,
    expected: entries.entries.some(({ key }) => key === 'data')
      ? 'kind: ConfigMap beside data, or the keys of the config alone'
      : 'keys such as nonMasqueradeCIDRs at the beginning of their lines',
  });
}
