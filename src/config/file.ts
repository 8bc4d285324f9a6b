import type { Problem } from './config.ts';
import { type ConfigText, decodeConfig } from './encoding.ts';
import type { Findings } from './findings.ts';
import { parseJson } from './json.ts';
import { filesOf, isConfigMap } from './manifest.ts';
import type { MapNode, StringNode, TextProblem, TextReading } from './node.ts';
import { findOccurrences } from './occurrences.ts';
import { FilePlaces, type Places, ValuePlaces } from './places.ts';
import { problemAt, quoteNode } from './problem.ts';
import type { ConfigSchema } from './schema.ts';
import type { FileSettings } from './settings.ts';
import { TextFault } from './text-fault.ts';
import { ValueReader } from './values.ts';
import { parseYaml } from './yaml/document.ts';

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
  const root = rootOf(content, places, findings);
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
  const root = rootOf(decodeConfig(Buffer.from(file.value)), places, findings);
  return root === undefined ? [] : [settingsOf(root, places, schema, findings)];
}

function settingsOf(root: MapNode, places: Places, schema: ConfigSchema, findings: Findings): FileSettings {
  const settings = new ValueReader(schema, places, findings);
  for (const occurrence of findOccurrences(root, places, findings)) settings.read(occurrence);
  return settings;
}

/** The mapping that a text holds; undefined where it holds none, which is a problem unless it is empty. */
function rootOf(content: ConfigText, places: Places, findings: Findings): MapNode | undefined {
  const reading = readText(content, places, findings);
  if (reading === undefined) return undefined;
  for (const problem of reading.problems) findings.problem(textProblem(problem, places));
  for (const warning of reading.warnings) findings.warning(() => textProblem(warning, places));
  const { root } = reading;
  if (root.kind === 'map') return root;
  if (root.kind !== 'null') {
    findings.problem(
      problemAt(places.at(root.offset), {
        message: 'the config is not a mapping of keys to values',
        found: quoteNode(root),
        expected: 'a key, a colon, a space and a value, such as masqLinkLocal: true',
      }),
    );
  }
  return undefined;
}

function readText(content: ConfigText, places: Places, findings: Findings): TextReading | undefined {
  if (content.problem !== undefined) {
    findings.problem(textProblem(content.problem, places));
    return undefined;
  }
  try {
    return content.syntax === 'json' ? parseJson(content.text) : parseYaml(content.text);
  } catch (cause) {
    if (!(cause instanceof TextFault)) throw cause;
    findings.problem(textProblem(cause, places));
    return undefined;
  }
}

function textProblem({ offset, message, expected }: TextProblem, places: Places): Problem {
  const line = places.lineFrom(offset).trim();
  return problemAt(places.at(offset), { message, expected, found: line === '' ? undefined : line });
}
