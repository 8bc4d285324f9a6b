import { isMap, isScalar, type Scalar } from 'yaml';
import type { ConfigDocument, Entry, Value } from './document.ts';
import type { Placement, Positions } from './positions.ts';
import { type ProblemList, type ProblemText, problemAt } from './problems.ts';
import { configKeyOf } from './schema.ts';

/** One text in the `data` of a ConfigMap manifest, and where it stands there. */
export interface ManifestFile {
  readonly text: string;
  readonly placement: Placement;
}

/** Whether a file is a whole `kind: ConfigMap` manifest instead of the content of one. */
export function isConfigMap(entries: readonly Entry[], document: ConfigDocument): boolean {
  const kind = entryOf(entries, 'kind');
  return kind !== undefined && document.plain(kind.value) === 'ConfigMap';
}

/** The files that a ConfigMap manifest holds: the texts in its `data`. Tells where they are not where they belong. */
export function filesOf(
  entries: readonly Entry[],
  document: ConfigDocument,
  positions: Positions,
  problems: ProblemList,
): readonly ManifestFile[] {
  const tell = (offset: number, text: ProblemText) => problems.problem(problemAt(positions.at(offset), text));
  const strays = entries.filter(({ key }) => configKeyOf(key) !== undefined);
  for (const { key, keyOffset } of strays) {
    tell(keyOffset, { ...lostIndentation('not in the data of this ConfigMap'), found: key });
  }
  const data = entryOf(entries, 'data');
  const texts = isMap(data?.value.node) ? document.entries(data.value.node).entries : [];
  if (strays.length === 0 && texts.every(({ value }) => isBlank(value, document))) {
    const place = (data ?? entries[0])?.keyOffset ?? 0;
    tell(place, { ...lostIndentation('a ConfigMap whose data is empty'), found: data?.key });
  }
  return texts.flatMap(({ key, value }) => {
    const text = document.plain(value);
    if (typeof text === 'string') return [{ text, placement: placementOf(value, text, positions) }];
    if (text !== null) tell(value.offset, notText(key, document.quote(value)));
    return [];
  });
}

function isBlank(value: Value, document: ConfigDocument): boolean {
  const text = document.plain(value);
  return text === null || (typeof text === 'string' && text.trim() === '');
}

function lostIndentation(message: string): ProblemText {
  return {
    message: `${message}, as when a sample lost its indentation in copying`,
    expected: 'the keys of the config indented below data: and config: |, or nothing but these keys',
  };
}

function notText(key: string, found: string): ProblemText {
  return {
    message: `data.${key} of the ConfigMap is not a text`,
    found,
    expected: `${key}: | and the keys of the config on the next lines, indented`,
  };
}

/** A literal block keeps its lines, so that places in it can be told; of any other text only where it begins. */
function placementOf({ node, offset }: Value, text: string, positions: Positions): Placement {
  if (!isScalar(node) || node.type !== blockLiteral) return { start: positions.at(offset) };
  const first = positions.text.indexOf('\n', offset) + 1;
  const written = positions.text.slice(first, node.range?.[1]);
  return { start: positions.at(first), indent: indentOf(written) - indentOf(text) };
}

const blockLiteral: Scalar.Type = 'BLOCK_LITERAL';

/** Spaces before the first line that is not blank. */
function indentOf(text: string): number {
  const first = text.search(/[^ \t\r\n]/);
  return first < 0 ? 0 : first - (text.lastIndexOf('\n', first) + 1);
}

function entryOf(entries: readonly Entry[], key: string): Entry | undefined {
  return entries.findLast((entry) => entry.key === key);
}
