import { type Family, families } from '../net/family.ts';
import { listKeys, listNames, type Policy } from './policy.ts';

/** How many CIDRs one list has in one family. */
export interface EntryCount {
  /** The list's key in the config. */
  readonly list: string;
  readonly family: Family;
  readonly count: number;
}

/** The sizes of every list in every family, zeros too. */
export function entryCounts(policy: Policy): EntryCount[] {
  return listNames.flatMap((list) =>
    families.map((family) => ({ list: listKeys[list], family, count: policy[family][list].length })),
  );
}

/** `nonMasqueradeCIDRs:3,forceMasqueradeCIDRs:1`, both families together, for a log line; `none` where all are empty. */
export function describeEntryCounts(policy: Policy): string {
  const texts = listNames.flatMap((list) => {
    const count = families.reduce((sum, family) => sum + policy[family][list].length, 0);
    return count > 0 ? [`${listKeys[list]}:${count}`] : [];
  });
  return texts.join(',') || 'none';
}
