import type { Cidr } from '../net/cidr.ts';
import type { Sourced } from './config.ts';
import type { BooleanKey, ListKey } from './schema.ts';
import type { Position } from './source.ts';

/** A list as one file has it. */
export interface ListSetting {
  readonly entries: readonly Sourced<Cidr>[];
  /** How many entries were written, right or wrong. */
  readonly length: number;
  readonly source: Position;
}

/** What one file sets. An absent key is not in it; a key with a wrong value is in it as far as it was right. */
export interface FileSettings {
  readonly lists: ReadonlyMap<ListKey, ListSetting>;
  readonly booleans: ReadonlyMap<BooleanKey, Sourced<boolean>>;
  readonly cidrLimit: Sourced<number> | undefined;
  /** Nanoseconds. */
  readonly resyncInterval: Sourced<bigint> | undefined;
}
