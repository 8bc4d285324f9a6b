import type { Findings } from './findings.ts';
import { configKeyOf } from './key-name.ts';
import type { ConfigNode, MapEntry, MapNode, StringNode } from './node.ts';
import type { Places } from './places.ts';
import { problemAt, quoteNode } from './problem.ts';

/** Whether a file is a whole `kind: ConfigMap` manifest instead of the content of one. */
export function isConfigMap(root: MapNode): boolean {
  const kind = entryOf(root, 'kind')?.value;
  return kind?.kind === 'string' && kind.value === 'ConfigMap';
}

/** The files that a ConfigMap manifest holds: the texts in its `data`. Tells where they are not where they belong. */
export function filesOf(manifest: MapNode, places: Places, findings: Findings): readonly StringNode[] {
  const strays = manifest.entries.filter(({ key }) => configKeyOf(key) !== undefined);
  for (const stray of strays) findings.problem(lostIndentation('not in the data of this ConfigMap', stray, places));
  const data = entryOf(manifest, 'data');
  const entries = data?.value.kind === 'map' ? data.value.entries : [];
  if (strays.length === 0 && entries.every(({ value }) => isBlank(value))) {
    const place = data ?? { keyOffset: manifest.offset };
    findings.problem(lostIndentation('a ConfigMap whose data is empty', place, places));
  }
  return entries.flatMap(({ key, value }) => {
    if (value.kind === 'string') return [value];
    if (!isBlank(value)) findings.problem(notText(key, value, places));
    return [];
  });
}

function isBlank(value: ConfigNode): boolean {
  return value.kind === 'null' || (value.kind === 'string' && value.value.trim() === '');
}

function lostIndentation(
  message: string,
  { keyOffset, key }: Partial<MapEntry> & { readonly keyOffset: number },
  places: Places,
) {
  return problemAt(places.at(keyOffset), {
    message: `${message}, as when a sample lost its indentation in copying`,
    found: key,
    expected: 'the keys of the config indented below data: and config: |, or nothing but these keys',
  });
}

function notText(key: string, value: ConfigNode, places: Places) {
  return problemAt(places.at(value.offset), {
    message: `data.${key} of the ConfigMap is not a text`,
    found: quoteNode(value),
    expected: `${key}: | and the keys of the config on the next lines, indented`,
  });
}

function entryOf(map: MapNode, key: string): MapEntry | undefined {
  return map.entries.findLast((entry) => entry.key === key);
}
