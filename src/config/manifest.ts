import type { Findings } from './findings.ts';
import type { ConfigNode, MapNode, StringNode } from './node.ts';
import type { Places } from './places.ts';
import { problemAt, quoteNode } from './problem.ts';

/** Whether a file is a whole `kind: ConfigMap` manifest instead of the content of one. */
export function isConfigMap(root: MapNode): boolean {
  const kind = entryOf(root, 'kind');
  return kind?.kind === 'string' && kind.value === 'ConfigMap';
}

/** The files that a ConfigMap manifest holds: the texts in its `data`. Tells what is wrong where there are none. */
export function filesOf(manifest: MapNode, places: Places, findings: Findings): readonly StringNode[] {
  const data = entryOf(manifest, 'data');
  if (data?.kind !== 'map' || data.entries.length === 0) {
    findings.problem(
      problemAt(places.at(data?.offset ?? manifest.offset), {
        message: 'a ConfigMap manifest whose data is empty, as when its indentation was lost in copying',
        expected:
          'two spaces before each key of data, four before the lines of each text, or only the content of the ConfigMap',
      }),
    );
    return [];
  }
  const files: StringNode[] = [];
  for (const { key, value } of data.entries) {
    if (value.kind === 'string') files.push(value);
    else {
      findings.problem(
        problemAt(places.at(value.offset), {
          message: `data.${key} of the ConfigMap is not a text`,
          found: quoteNode(value),
          expected: `${key}: | and the content on the next lines, indented`,
        }),
      );
    }
  }
  return files;
}

function entryOf(map: MapNode, key: string): ConfigNode | undefined {
  return map.entries.findLast((entry) => entry.key === key)?.value;
}
