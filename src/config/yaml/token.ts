import type { LiteralBlock } from '../node.ts';

export interface ScalarToken {
  readonly kind: 'scalar';
  readonly offset: number;
  readonly value: string;
  /** Written without quotes: its text decides its type. */
  readonly plain: boolean;
  readonly literal?: LiteralBlock;
}

export interface TagToken {
  readonly kind: 'tag';
  readonly offset: number;
  /** `!`, `!!`, `!name!`, or empty for a verbatim tag and for the lone `!`. */
  readonly handle: string;
  readonly suffix: string;
}

export interface AnchorToken {
  readonly kind: 'anchor' | 'alias';
  readonly offset: number;
  readonly name: string;
}

export interface VersionToken {
  readonly kind: 'version';
  readonly offset: number;
  readonly version: string;
}

export interface TagDirectiveToken {
  readonly kind: 'tag-directive';
  readonly offset: number;
  readonly handle: string;
  readonly prefix: string;
}

/** A token that is all in its kind; the block ones without a character of their own come from the indentation. */
export interface MarkToken {
  readonly kind:
    | 'stream-end'
    | 'document-start'
    | 'document-end'
    | 'block-sequence'
    | 'block-mapping'
    | 'block-end'
    | 'entry'
    | 'key'
    | 'value'
    | 'flow-sequence'
    | 'flow-sequence-end'
    | 'flow-mapping'
    | 'flow-mapping-end'
    | 'flow-entry';
  readonly offset: number;
}

export type Token = MarkToken | ScalarToken | TagToken | AnchorToken | VersionToken | TagDirectiveToken;
