/** A parsed value of the file and where it begins. Numbers are kept as the JSON literal that Go would write for them. */
export type ConfigNode =
  | { readonly kind: 'null'; readonly offset: number }
  | { readonly kind: 'boolean'; readonly offset: number; readonly value: boolean }
  | { readonly kind: 'number'; readonly offset: number; readonly literal: string }
  | { readonly kind: 'string'; readonly offset: number; readonly value: string }
  | { readonly kind: 'list'; readonly offset: number; readonly items: readonly ConfigNode[] }
  | { readonly kind: 'map'; readonly offset: number; readonly entries: readonly MapEntry[] };

/** One key of a mapping with its value, in the order in which Go's decoder meets them. */
export interface MapEntry {
  readonly key: string;
  readonly keyOffset: number;
  readonly value: ConfigNode;
}
