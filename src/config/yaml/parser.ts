import { type ConfigNode, maximumDepth, maximumNodes, type TextProblem, type TextReading } from '../node.ts';
import { TextFault } from '../text-fault.ts';
import { Anchors } from './anchors.ts';
import { MappingBuilder } from './mapping.ts';
import { resolveScalar } from './resolve.ts';
import { Scanner } from './scanner.ts';
import { TagHandles } from './tag-handles.ts';
import type { Token } from './token.ts';

type Kind = Token['kind'];

/** What may stand before a node: `&anchor` and `!tag`. */
interface Properties {
  readonly offset: number;
  readonly anchor: string | undefined;
  readonly tag: string | undefined;
}

/** Tokens that end an empty value of a mapping, by the kind of the collection around it. */
const blockEnds = ['key', 'value', 'block-end'] as const;
const flowMappingEnds = ['flow-entry', 'flow-mapping-end'] as const;
const flowSequenceEnds = ['flow-entry', 'flow-sequence-end'] as const;

/**
 * Reads the first document of a YAML 1.1 text into the values that Go's YAML decoder (go-yaml v2, as upstream uses it
 * through sigs.k8s.io/yaml) makes of it: the grammar is libyaml's, later keys overwrite earlier ones, the rest of the
 * text after the document is not looked at. Throws TextFault where the text is not YAML.
 */
export function parseYaml(text: string): TextReading {
  return new DocumentParser(text).parse();
}

class DocumentParser {
  readonly #scanner: Scanner;
  readonly #handles = new TagHandles();
  readonly #anchors = new Anchors();
  readonly #problems: TextProblem[] = [];
  #depth = 0;

  constructor(text: string) {
    this.#scanner = new Scanner(text);
  }

  parse(): TextReading {
    const root = this.#value(this.#document());
    return { root, problems: this.#problems, warnings: this.#rest() };
  }

  #document(): ConfigNode {
    if (this.#is('stream-end')) return this.#emptyHere();
    if (!this.#is('version', 'tag-directive', 'document-start')) return this.#node(true, false);
    this.#directives();
    if (!this.#is('document-start')) throw this.#fault('no document after the YAML directives', '---');
    this.#scanner.skip();
    const isEmpty = this.#is('version', 'tag-directive', 'document-start', 'document-end', 'stream-end');
    return isEmpty ? this.#emptyHere() : this.#node(true, false);
  }

  #directives(): void {
    let hasVersion = false;
    for (;;) {
      const token = this.#scanner.peek();
      if (token.kind === 'tag-directive') this.#handles.add(token);
      else if (token.kind !== 'version') return;
      else if (hasVersion || !/^0?1\.0?1$/.test(token.version)) {
        throw new TextFault(token.offset, 'not the YAML version that Go reads', '%YAML 1.1, once');
      } else hasVersion = true;
      this.#scanner.skip();
    }
  }

  /** What stands behind the document: Go does not read it, so whoever wrote it must be told. */
  #rest(): readonly TextProblem[] {
    const { kind, offset } = this.#scanner.peek();
    if (kind === 'stream-end') return [];
    if (kind !== 'document-start' && kind !== 'document-end') {
      return [{ offset, message: 'ignored from here on: this stands outside the block that began above' }];
    }
    try {
      while (this.#is('document-start', 'document-end')) this.#scanner.skip();
      if (this.#is('stream-end')) return [];
    } catch (cause) {
      if (!(cause instanceof TextFault)) throw cause;
    }
    return [{ offset, message: 'ignored from here on: only the first YAML document of a file is read' }];
  }

  /** A node in block or flow context; `indentless`: its list may stand at the column of the key above it. */
  #node(inBlock: boolean, indentless: boolean): ConfigNode {
    const token = this.#scanner.peek();
    if (token.kind !== 'alias') return this.#content(this.#properties(), inBlock, indentless);
    this.#scanner.skip();
    return this.#anchors.resolve(token.name, token.offset);
  }

  #properties(): Properties {
    const { offset } = this.#scanner.peek();
    let anchor: string | undefined;
    let tag: string | undefined;
    for (;;) {
      const token = this.#scanner.peek();
      if (token.kind === 'anchor' && anchor === undefined) anchor = token.name;
      else if (token.kind === 'tag' && tag === undefined) tag = this.#handles.resolve(token);
      else return { offset, anchor, tag };
      this.#scanner.skip();
    }
  }

  #content(properties: Properties, inBlock: boolean, indentless: boolean): ConfigNode {
    const definition = this.#anchors.begin(properties.anchor);
    this.#depth += 1;
    if (this.#depth > maximumDepth) throw this.#fault(`nested more than ${maximumDepth} levels deep`);
    if (this.#anchors.decoded > maximumNodes) throw this.#fault(`more than ${maximumNodes} values`);
    const node = this.#collection(inBlock, indentless) ?? this.#scalar(properties);
    this.#depth -= 1;
    this.#anchors.end(definition, node);
    return node;
  }

  #collection(inBlock: boolean, indentless: boolean): ConfigNode | undefined {
    const { kind, offset } = this.#scanner.peek();
    if (kind === 'flow-sequence') return this.#flowSequence(offset);
    if (kind === 'flow-mapping') return this.#flowMapping(offset);
    if (kind === 'entry' && indentless) return this.#entries(offset, blockEnds);
    if (kind === 'block-sequence' && inBlock) return this.#blockSequence(offset);
    if (kind === 'block-mapping' && inBlock) return this.#blockMapping(offset);
    return undefined;
  }

  #scalar({ offset, anchor, tag }: Properties): ConfigNode {
    const token = this.#scanner.peek();
    if (token.kind === 'scalar') this.#scanner.skip();
    else if (anchor === undefined && tag === undefined)
      throw this.#fault('a value is missing', 'a value, or a deeper indentation');
    const scalar = token.kind === 'scalar' ? token : ({ kind: 'scalar', offset, value: '', plain: true } as const);
    const node = resolveScalar(scalar, tag);
    if (node !== undefined) return node;
    this.#problems.push({
      offset: scalar.offset,
      message: `the text does not suit its tag ${tag}`,
      expected: 'no tag',
    });
    return empty(scalar.offset);
  }

  #blockSequence(offset: number): ConfigNode {
    this.#scanner.skip();
    const list = this.#entries(offset, ['block-end']);
    if (!this.#is('block-end'))
      throw this.#fault('not an entry of the list above', 'a dash in the column of the dash above');
    this.#scanner.skip();
    return list;
  }

  /** The entries of a block list; `ends` besides a further dash end an empty entry. */
  #entries(offset: number, ends: readonly Kind[]): ConfigNode {
    const items: ConfigNode[] = [];
    while (this.#is('entry')) {
      const { offset: dash } = this.#scanner.peek();
      this.#scanner.skip();
      items.push(this.#value(this.#is('entry', ...ends) ? empty(dash) : this.#node(true, false)));
    }
    return { kind: 'list', offset, items };
  }

  #blockMapping(offset: number): ConfigNode {
    this.#scanner.skip();
    const mapping = new MappingBuilder(offset);
    while (this.#is('key')) this.#pair(mapping, true, blockEnds);
    if (!this.#is('block-end'))
      throw this.#fault('not a key of the mapping above', 'a key in the column of the key above');
    this.#scanner.skip();
    return mapping.build();
  }

  #flowSequence(offset: number): ConfigNode {
    const items: ConfigNode[] = [];
    for (const isPair of this.#flowEntries('flow-sequence-end', ']')) {
      if (isPair) {
        const mapping = new MappingBuilder(this.#scanner.peek().offset);
        this.#pair(mapping, false, flowSequenceEnds);
        items.push(mapping.build());
      } else items.push(this.#value(this.#node(false, false)));
    }
    return { kind: 'list', offset, items };
  }

  #flowMapping(offset: number): ConfigNode {
    const mapping = new MappingBuilder(offset);
    for (const isPair of this.#flowEntries('flow-mapping-end', '}')) {
      if (isPair) this.#pair(mapping, false, flowMappingEnds);
      else {
        const key = this.#node(false, false);
        this.#set(mapping, key, empty(key.offset));
      }
    }
    return mapping.build();
  }

  /** Steps through what stands between brackets; yields at each entry whether it starts with a key. */
  *#flowEntries(end: Kind, bracket: string): Generator<boolean, void> {
    this.#scanner.skip();
    let isFirst = true;
    while (!this.#is(end)) {
      if (!isFirst) {
        if (!this.#is('flow-entry'))
          throw this.#fault(`neither a comma nor the closing ${bracket}`, `a comma or ${bracket}`);
        this.#scanner.skip();
        if (this.#is(end)) break;
      }
      yield this.#is('key');
      isFirst = false;
    }
    this.#scanner.skip();
  }

  /** A key and its value; `ends` end an empty value. */
  #pair(mapping: MappingBuilder, inBlock: boolean, ends: readonly Kind[]): void {
    this.#scanner.skip();
    const key = this.#key(inBlock, ends);
    const { kind, offset } = this.#scanner.peek();
    if (kind === 'value') this.#scanner.skip();
    const isEmpty = kind !== 'value' || this.#is(...ends);
    if (key !== 'merge') this.#set(mapping, key, isEmpty ? empty(offset) : this.#node(inBlock, inBlock));
    else if (isEmpty) throw this.#fault('the merge key << has no value', 'an alias such as *name');
    else this.#merge(mapping, inBlock);
  }

  #key(inBlock: boolean, ends: readonly Kind[]): ConfigNode | 'merge' {
    if (this.#is('value', ...ends)) return this.#emptyHere();
    if (this.#is('alias')) return this.#node(inBlock, inBlock);
    const properties = this.#properties();
    const { tag } = properties;
    const token = this.#scanner.peek();
    if (token.kind !== 'scalar' || token.value !== '<<') return this.#content(properties, inBlock, inBlock);
    const isMerge = tag === undefined ? token.plain : tag === '!' || tag === 'tag:yaml.org,2002:merge';
    if (!isMerge) return this.#content(properties, inBlock, inBlock);
    this.#scanner.skip();
    return 'merge';
  }

  /** Takes over the mapping, or the mappings of a list, behind `<<`; earlier ones of a list go before later ones. */
  #merge(mapping: MappingBuilder, inBlock: boolean): void {
    const { kind, offset } = this.#scanner.peek();
    const value = this.#node(inBlock, inBlock);
    const sources = value.kind === 'list' && kind !== 'alias' ? value.items.toReversed() : [value];
    for (const source of sources) {
      if (source.kind === 'map') mapping.merge(source);
      else
        this.#problems.push({
          offset,
          message: 'only mappings can be merged with <<',
          expected: 'an alias such as *name',
        });
    }
  }

  #set(mapping: MappingBuilder, key: ConfigNode, value: ConfigNode): void {
    const problem = mapping.set(key, this.#value(value));
    if (problem !== undefined) this.#problems.push(problem);
  }

  /** A value, not a key: JSON, through which Go passes it, has no infinity. */
  #value(node: ConfigNode): ConfigNode {
    if (node.kind === 'number' && /^-?[NI]/.test(node.literal)) {
      this.#problems.push({ offset: node.offset, message: 'not a finite number', expected: 'a number' });
    }
    return node;
  }

  #is(...kinds: readonly Kind[]): boolean {
    return kinds.includes(this.#scanner.peek().kind);
  }

  #emptyHere(): ConfigNode {
    return empty(this.#scanner.peek().offset);
  }

  #fault(message: string, expected?: string): TextFault {
    return new TextFault(this.#scanner.peek().offset, message, expected);
  }
}

function empty(offset: number): ConfigNode {
  return { kind: 'null', offset };
}
