import { type ConfigNode, maximumDepth, maximumNodes, type TextProblem } from '../node.ts';
import { Anchors } from './anchors.ts';
import { MappingBuilder } from './mapping.ts';
import { resolveScalar } from './resolve.ts';
import type { Token } from './token.ts';
import type { Properties, TokenReader } from './token-reader.ts';
import { mayBeUnjsonable, unjsonableParts } from './unjsonable.ts';

type Kinds = readonly Token['kind'][];

/** Tokens that end an empty value, by the collection around it. */
const blockSequenceEnds: Kinds = ['entry', 'block-end'];
const indentlessSequenceEnds: Kinds = ['entry', 'key', 'value', 'block-end'];
const blockMappingEnds: Kinds = ['key', 'value', 'block-end'];
const flowMappingEnds: Kinds = ['flow-entry', 'flow-mapping-end'];
const flowSequenceEnds: Kinds = ['flow-entry', 'flow-sequence-end'];

/** Reads the nodes of one document, by the grammar of libyaml. */
export class NodeParser {
  readonly #tokens: TokenReader;
  readonly #anchors = new Anchors();
  readonly #problems: TextProblem[] = [];
  #depth = 0;
  /** Something was read that JSON can't have, unless a later key overwrites it. */
  #hasDoubt: boolean = false;

  constructor(tokens: TokenReader) {
    this.#tokens = tokens;
  }

  /** The node that stands next. Throws TextFault where the text is not YAML. */
  parse(): ConfigNode {
    return this.#node(true, false);
  }

  /** What makes Go refuse a document though it is YAML. */
  problemsOf(root: ConfigNode): readonly TextProblem[] {
    return this.#hasDoubt ? [...this.#problems, ...unjsonableParts(root)] : this.#problems;
  }

  /** A node in block or flow context; `indentless`: its list may stand in the column of the key above it. */
  #node(inBlock: boolean, indentless: boolean): ConfigNode {
    const token = this.#tokens.peek();
    if (token.kind !== 'alias') return this.#content(this.#tokens.takeProperties(), inBlock, indentless);
    this.#tokens.skip();
    return this.#anchors.resolve(token.name, token.offset);
  }

  #content(properties: Properties, inBlock: boolean, indentless: boolean): ConfigNode {
    const definition = this.#anchors.begin(properties.anchor);
    this.#depth += 1;
    if (this.#depth > maximumDepth) throw this.#tokens.fault(`nested more than ${maximumDepth} levels deep`);
    if (this.#anchors.decoded > maximumNodes) throw this.#tokens.fault(`more than ${maximumNodes} values`);
    const node = this.#collection(inBlock, indentless) ?? this.#scalar(properties);
    this.#depth -= 1;
    this.#anchors.end(definition, node);
    return node;
  }

  #collection(inBlock: boolean, indentless: boolean): ConfigNode | undefined {
    const { kind, offset } = this.#tokens.peek();
    if (kind === 'flow-sequence') return this.#flowSequence(offset);
    if (kind === 'flow-mapping') return this.#flowMapping(offset);
    if (kind === 'entry' && indentless) return this.#entries(offset, indentlessSequenceEnds);
    if (kind === 'block-sequence' && inBlock) return this.#blockSequence(offset);
    if (kind === 'block-mapping' && inBlock) return this.#blockMapping(offset);
    return undefined;
  }

  #scalar({ offset, anchor, tag }: Properties): ConfigNode {
    const token = this.#tokens.peek();
    const isBare = anchor === undefined && tag === undefined;
    if (token.kind === 'scalar') this.#tokens.skip();
    else if (isBare) throw this.#tokens.fault('a value is missing', 'a value, or a deeper indentation');
    const scalar = token.kind === 'scalar' ? token : ({ kind: 'scalar', offset, value: '', plain: true } as const);
    const node = resolveScalar(scalar, tag);
    if (node === undefined) {
      this.#problems.push({ offset: scalar.offset, message: `a text that is no ${tag}`, expected: 'no tag' });
      return emptyAt(scalar.offset);
    }
    this.#hasDoubt ||= mayBeUnjsonable(node, false);
    return node;
  }

  #blockSequence(offset: number): ConfigNode {
    this.#tokens.skip();
    const list = this.#entries(offset, blockSequenceEnds);
    this.#tokens.take('block-end', 'not an entry of the list above', 'a dash in the column of the dash above');
    return list;
  }

  #entries(offset: number, ends: Kinds): ConfigNode {
    const items: ConfigNode[] = [];
    for (let token = this.#tokens.peek(); token.kind === 'entry'; token = this.#tokens.peek()) {
      this.#tokens.skip();
      items.push(this.#tokens.isOneOf(ends) ? emptyAt(token.offset) : this.#node(true, false));
    }
    return { kind: 'list', offset, items };
  }

  #blockMapping(offset: number): ConfigNode {
    this.#tokens.skip();
    const mapping = new MappingBuilder(offset);
    while (this.#tokens.is('key')) this.#pair(mapping, true, blockMappingEnds);
    this.#tokens.take('block-end', 'not a key of the mapping above', 'a key in the column of the key above');
    return mapping.build();
  }

  #flowSequence(offset: number): ConfigNode {
    const items: ConfigNode[] = [];
    for (const token of this.#flowEntries('flow-sequence-end', ']')) {
      if (token.kind === 'key') {
        const mapping = new MappingBuilder(token.offset);
        this.#pair(mapping, false, flowSequenceEnds);
        items.push(mapping.build());
      } else items.push(this.#node(false, false));
    }
    return { kind: 'list', offset, items };
  }

  #flowMapping(offset: number): ConfigNode {
    const mapping = new MappingBuilder(offset);
    for (const token of this.#flowEntries('flow-mapping-end', '}')) {
      if (token.kind === 'key') this.#pair(mapping, false, flowMappingEnds);
      else this.#set(mapping, this.#node(false, false), emptyAt(token.offset));
    }
    return mapping.build();
  }

  /** Steps through what stands between brackets; yields the first token of each entry. */
  *#flowEntries(end: Token['kind'], closing: string): Generator<Token, void> {
    const { offset: bracket } = this.#tokens.peek();
    this.#tokens.skip();
    while (!this.#tokens.is(end)) {
      yield this.#tokens.peek();
      if (this.#tokens.is(end)) break;
      this.#tokens.take('flow-entry', `neither a comma nor the closing ${closing}`, `a comma or ${closing}`, bracket);
    }
    this.#tokens.skip();
  }

  /** A key and its value; `ends` end an empty value. */
  #pair(mapping: MappingBuilder, inBlock: boolean, ends: Kinds): void {
    this.#tokens.skip();
    const key = this.#key(inBlock, ends);
    const { kind, offset } = this.#tokens.peek();
    if (kind === 'value') this.#tokens.skip();
    const isEmpty = kind !== 'value' || this.#tokens.isOneOf(ends);
    if (key !== 'merge') this.#set(mapping, key, isEmpty ? emptyAt(offset) : this.#node(inBlock, inBlock));
    else if (isEmpty) throw this.#tokens.fault('the merge key << has no value', 'an alias such as *name');
    else this.#merge(mapping, inBlock);
  }

  #key(inBlock: boolean, ends: Kinds): ConfigNode | 'merge' {
    const first = this.#tokens.peek();
    if (first.kind === 'value' || ends.includes(first.kind)) return emptyAt(first.offset);
    if (first.kind === 'alias') return this.#node(inBlock, inBlock);
    const properties = this.#tokens.takeProperties();
    if (!isMergeKey(this.#tokens.peek(), properties)) return this.#content(properties, inBlock, inBlock);
    this.#tokens.skip();
    return 'merge';
  }

  /** Takes over the mapping, or the mappings of a list, behind `<<`; earlier ones of a list go before later ones. */
  #merge(mapping: MappingBuilder, inBlock: boolean): void {
    const { kind, offset } = this.#tokens.peek();
    const value = this.#node(inBlock, inBlock);
    const sources = value.kind === 'list' && kind !== 'alias' ? value.items.toReversed() : [value];
    for (const source of sources) {
      if (source.kind === 'map') mapping.merge(source);
      else this.#problems.push({ offset, message: 'only mappings can be merged by <<', expected: 'an alias of one' });
    }
  }

  #set(mapping: MappingBuilder, key: ConfigNode, value: ConfigNode): void {
    this.#hasDoubt ||= mayBeUnjsonable(key, true);
    mapping.set(key, value);
  }
}

export function emptyAt(offset: number): ConfigNode {
  return { kind: 'null', offset };
}

function isMergeKey(token: Token, { tag }: Properties): boolean {
  if (token.kind !== 'scalar' || token.value !== '<<') return false;
  return tag === undefined ? token.plain : tag === '!' || tag === 'tag:yaml.org,2002:merge';
}
