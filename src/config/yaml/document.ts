import type { TextProblem, TextReading } from '../node.ts';
import { TextFault } from '../text-fault.ts';
import { emptyAt, NodeParser } from './node-parser.ts';
import type { Token } from './token.ts';
import { TokenReader } from './token-reader.ts';

/**
 * Reads the first document of a YAML 1.1 text into the values that Go's YAML decoder makes of it (go-yaml v2, which
 * upstream uses through sigs.k8s.io/yaml): the grammar is libyaml's, later keys overwrite earlier ones, and what stands
 * behind the document is not looked at. Throws TextFault where the text is not YAML.
 *
 * The yaml package can't do this. It reads YAML 1.2: it refuses `[` whose `]` stands at the start of a line, accepts
 * what Go refuses, and has other values for the rest.
 */
export function parseYaml(text: string): TextReading {
  const tokens = new TokenReader(text);
  const nodes = new NodeParser(tokens);
  const root = beginDocument(tokens) ? nodes.parse() : emptyAt(tokens.peek().offset);
  return { root, problems: nodes.problemsOf(root), warnings: ignoredRest(tokens) };
}

const contentEnds: readonly Token['kind'][] = [
  'version',
  'tag-directive',
  'document-start',
  'document-end',
  'stream-end',
];

/** Steps over what stands before the content of the first document; says whether there is content. */
function beginDocument(tokens: TokenReader): boolean {
  const { kind } = tokens.peek();
  if (kind === 'stream-end') return false;
  if (kind !== 'version' && kind !== 'tag-directive' && kind !== 'document-start') return true;
  readDirectives(tokens);
  tokens.skip();
  return !tokens.isOneOf(contentEnds);
}

function readDirectives(tokens: TokenReader): void {
  let versions = 0;
  for (let token = tokens.peek(); token.kind !== 'document-start'; token = tokens.peek()) {
    if (token.kind === 'tag-directive') tokens.handles.declare(token);
    else if (token.kind === 'version') versions += 1;
    else throw new TextFault(token.offset, 'no document after the YAML directives', '---');
    if (versions > 1 || (token.kind === 'version' && !/^0?1\.0?1$/.test(token.version))) {
      throw new TextFault(token.offset, 'not the YAML version that Go reads', '%YAML 1.1, once');
    }
    tokens.skip();
  }
}

/** What stands behind the document: Go does not read it, so whoever wrote it must be told. */
function ignoredRest(tokens: TokenReader): readonly TextProblem[] {
  const { kind, offset } = tokens.peek();
  if (kind === 'stream-end') return [];
  if (kind !== 'document-start' && kind !== 'document-end') {
    return [{ offset, message: 'ignored from here on: this stands outside the block that began above' }];
  }
  return hasContent(tokens)
    ? [{ offset, message: 'ignored from here on: only the first YAML document of a file is read' }]
    : [];
}

function hasContent(tokens: TokenReader): boolean {
  try {
    for (let { kind } = tokens.peek(); kind !== 'stream-end'; { kind } = tokens.peek()) {
      if (kind !== 'document-start' && kind !== 'document-end') return true;
      tokens.skip();
    }
    return false;
  } catch (cause) {
    if (cause instanceof TextFault) return true;
    throw cause;
  }
}
