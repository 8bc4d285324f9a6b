/** Where the lines of a literal block scalar stand, so that places in its value can be told as places in the file. */
export interface LiteralBlock {
  /** Offset of the first line after the header. */
  readonly offset: number;
  /** Spaces before each line. */
  readonly indent: number;
}

interface NodeBase {
  /** Where the value begins, in UTF-16 code units. */
  readonly offset: number;
}

export interface NullNode extends NodeBase {
  readonly kind: 'null';
}

export interface BooleanNode extends NodeBase {
  readonly kind: 'boolean';
  readonly value: boolean;
}

/** A number as the JSON literal that Go reads or, for YAML, writes for it. */
export interface NumberNode extends NodeBase {
  readonly kind: 'number';
  readonly literal: string;
  /** Go has it as a uint64: no int64 could hold it, and no key can be one. */
  readonly isUint64?: boolean;
}

export interface StringNode extends NodeBase {
  readonly kind: 'string';
  readonly value: string;
  readonly literal?: LiteralBlock;
}

export interface ListNode extends NodeBase {
  readonly kind: 'list';
  readonly items: readonly ConfigNode[];
}

export interface MapNode extends NodeBase {
  readonly kind: 'map';
  /** In the order in which Go's decoder sees them: in JSON as written, in YAML by the bytes of the key. */
  readonly entries: readonly MapEntry[];
  /** Entries that Go's YAML decoder drops since the same key comes again. */
  readonly overwritten: readonly MapEntry[];
}

/** A value of a config file and where it stands. */
export type ConfigNode = NullNode | BooleanNode | NumberNode | StringNode | ListNode | MapNode;

export interface MapEntry {
  readonly key: string;
  /** Why JSON can't have the key; Go then refuses the file. */
  readonly keyProblem?: string;
  readonly keyOffset: number;
  readonly value: ConfigNode;
}

/** Something in a text that is wrong or odd, by its offset. */
export interface TextProblem {
  readonly offset: number;
  readonly message: string;
  readonly expected?: string;
  /** Where the bracket stands that it lies within, if it does. */
  readonly bracket?: number;
}

/** What a text holds. With problems, `root` is only good for finding more of them. */
export interface TextReading {
  readonly root: ConfigNode;
  readonly problems: readonly TextProblem[];
  readonly warnings: readonly TextProblem[];
}

/** Bounds on what a text may hold, so that a hostile one costs little: lists never need more. */
export const maximumDepth = 1000;
export const maximumNodes = 1_000_000;
