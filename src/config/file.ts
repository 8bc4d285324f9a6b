import { decodeConfig } from './encoding.ts';
import type { Findings } from './findings.ts';
import { filesOf, isConfigMap } from './manifest.ts';
import type { MapNode, StringNode } from './node.ts';
import { findOccurrences } from './occurrences.ts';
import { FilePlaces, type Places, ValuePlaces } from './places.ts';
import type { ConfigSchema } from './schema.ts';
import type { FileSettings } from './settings.ts';
import { readMapping } from './text.ts';
import { ValueReader } from './values.ts';

/**
 * Reads one file. A whole ConfigMap manifest counts as the files in its `data`. Every problem and warning goes to
 * `findings`; the settings are only good where no problem was found.
 */
export function readConfigFile(
  name: string,
  bytes: Uint8Array,
  schema: ConfigSchema,
  findings: Findings,
): readonly FileSettings[] {
  const content = decodeConfig(bytes);
  const places = new FilePlaces(name, content.text);
  const root = readMapping(content, places, findings);
  if (root === undefined) return [];
  if (!isConfigMap(root)) return [settingsOf(root, places, schema, findings)];
  const files = filesOf(root, places, findings);
  return files.flatMap((file) => readManifestFile(file, places, schema, findings));
}

function readManifestFile(
  file: StringNode,
  outer: Places,
  schema: ConfigSchema,
  findings: Findings,
): readonly FileSettings[] {
  const places = new ValuePlaces(outer, file);
  const root = readMapping(decodeConfig(Buffer.from(file.value)), places, findings);
  return root === undefined ? [] : [settingsOf(root, places, schema, findings)];
}

function settingsOf(root: MapNode, places: Places, schema: ConfigSchema, findings: Findings): FileSettings {
  const settings = new ValueReader(schema, places, findings);
  for (const occurrence of findOccurrences(root, places, findings)) settings.read(occurrence);
  return settings;
}
