import { printable } from '../text.ts';

/** Where a value was written. Lines and columns count from 1; columns count UTF-16 code units. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Where an effective value comes from: a place in a file, a flag, or the built-in default. */
export type Source = Position | { readonly flag: string } | 'default';

/** `file:line`, `--flag` or `default`: the form that logs and `explain` print. */
export function describeSource(source: Source): string {
  if (source === 'default') return 'default';
  if ('flag' in source) return `--${source.flag}`;
  return `${printable(source.file)}:${source.line}`;
}
