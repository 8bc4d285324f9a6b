import type * as z from 'zod/mini';
import type { Sourced } from './config.ts';
import type { ConfigDocument, Value } from './document.ts';
import { entryHint, valueHint } from './hints.ts';
import { oddText } from './near-misses.ts';
import type { Positions } from './positions.ts';
import { type ProblemList, type ProblemText, problemAt } from './problems.ts';
import { type ConfigKey, type ConfigSchema, validForm } from './schema.ts';
import type { Position } from './source.ts';

/** What a file is read with: its text, the schema of its values, and where its problems go. */
export interface SettingsContext {
  readonly document: ConfigDocument;
  readonly positions: Positions;
  readonly schema: ConfigSchema;
  readonly problems: ProblemList;
}

/** A list as one file has it. */
export interface ListSetting<T> {
  readonly entries: readonly Sourced<T>[];
  /** How many entries were written, right or wrong. */
  readonly length: number;
  readonly source: Position;
}

/** The entries of a list, right as they are or left out with a problem. */
export function readEntries<Schema extends z.ZodMiniType>(
  key: ConfigKey,
  schema: Schema,
  value: Value,
  context: SettingsContext,
): ListSetting<z.output<Schema>> {
  const { document, positions, problems } = context;
  const entries: Sourced<z.output<Schema>>[] = [];
  let length = 0;
  for (const item of document.items(value)) {
    if (problems.isFull) break;
    length += 1;
    const entry = parseValue(key, schema, item, context, true);
    if (entry !== undefined) entries.push({ value: entry, source: positions.at(item.offset) });
  }
  return { entries, length, source: positions.at(value.offset) };
}

/** A value by the schema of its key, with its place; undefined where it is absent, `null` or refused. */
export function readValue<Schema extends z.ZodMiniType>(
  key: ConfigKey,
  schema: Schema,
  value: Value | undefined,
  context: SettingsContext,
): Sourced<NonNullable<z.output<Schema>>> | undefined {
  if (value === undefined) return undefined;
  const parsed = parseValue(key, schema, value, context);
  return parsed === null || parsed === undefined
    ? undefined
    : { value: parsed, source: context.positions.at(value.offset) };
}

/** The typed value; undefined, and a problem, where the schema refuses it. */
export function parseValue<Schema extends z.ZodMiniType>(
  key: ConfigKey,
  schema: Schema,
  value: Value,
  { document, positions, problems }: SettingsContext,
  isEntry = false,
): z.output<Schema> | undefined {
  const parsed = schema.safeParse(document.plain(value));
  if (parsed.success) return parsed.data;
  const misfit = isEntry ? entryHint(value, document) : valueHint(key, value, document);
  for (const issue of parsed.error.issues) {
    const text =
      issue.code === 'custom'
        ? { message: issue.message, expected: String(issue.params?.['expected']) }
        : (misfit ?? oddValue(positions.restOfLine(value.offset)) ?? wrongType(key, value, document, isEntry));
    problems.problem(problemAt(positions.at(value.offset), { found: document.quote(value), ...text }));
  }
  return undefined;
}

function oddValue(line: string): ProblemText | undefined {
  const odd = oddText(line);
  return odd === undefined ? undefined : { found: line.trim(), ...odd };
}

function wrongType(key: ConfigKey, value: Value, document: ConfigDocument, isEntry: boolean): ProblemText {
  if (!isEntry) return { message: `not a value for ${key}`, expected: validForm(key) };
  const kind = document.plain(value) === null ? 'an empty entry' : 'not an entry';
  return { message: `${kind} for ${key}`, expected: 'a CIDR such as 10.0.0.0/8' };
}
