import type { Problem } from './config.ts';
import type { ConfigText } from './encoding.ts';
import type { Findings } from './findings.ts';
import { parseJson } from './json.ts';
import type { MapNode, TextProblem, TextReading } from './node.ts';
import type { Places } from './places.ts';
import { problemAt, quoteNode } from './problem.ts';
import { TextFault } from './text-fault.ts';
import { blankTopLevelEntry } from './top-level-entry.ts';
import { parseYaml } from './yaml/document.ts';

/** Of so many entries that are no YAML, the rest is still read; and of texts so long, since it is read over for each. */
const mostFaults = 20;
const longestRecovery = 256 * 1024;

/** The mapping that a text holds; undefined where it holds none, which is a problem unless it is empty. */
export function readMapping(content: ConfigText, places: Places, findings: Findings): MapNode | undefined {
  const reading = content.problem === undefined ? readText(content, places, findings) : undefined;
  if (content.problem !== undefined) findings.unread(textProblem(content.problem, places));
  for (const problem of reading?.problems ?? []) findings.problem(textProblem(problem, places));
  for (const warning of reading?.warnings ?? []) findings.warning(() => textProblem(warning, places));
  const root = reading?.root;
  if (root === undefined || root.kind === 'null') return undefined;
  if (root.kind === 'map') return root;
  findings.unread(
    problemAt(places.at(root.offset), {
      message: 'the config is not a mapping of keys to values',
      found: quoteNode(root),
      expected: 'a key, a colon, a space and a value, such as masqLinkLocal: true',
    }),
  );
  return undefined;
}

/** What a text holds; of YAML, entries that are none are told, and the others read for the sake of their problems. */
function readText({ syntax, text }: ConfigText, places: Places, findings: Findings): TextReading | undefined {
  let rest: string | undefined = text;
  for (let faults = 0; rest !== undefined && faults < mostFaults; faults += 1) {
    try {
      return syntax === 'json' ? parseJson(rest) : parseYaml(rest);
    } catch (cause) {
      if (!(cause instanceof TextFault)) throw cause;
      findings.unread(textProblem(cause, places));
      const canGoOn = syntax === 'yaml' && text.length <= longestRecovery;
      rest = canGoOn ? blankTopLevelEntry(rest, cause.bracket ?? cause.offset) : undefined;
    }
  }
  return undefined;
}

function textProblem({ offset, message, expected, bracket }: TextProblem, places: Places): Problem {
  const place = places.at(offset);
  const line = places.lineFrom(offset).trim();
  const opened = bracket === undefined ? place.line : places.at(bracket).line;
  return problemAt(place, {
    message: opened === place.line ? message : `${message} of the bracket in line ${opened}`,
    expected,
    found: line === '' ? undefined : line,
  });
}
