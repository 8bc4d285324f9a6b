import type { Address } from '../net/cidr.ts';
import type { NodeAddress } from '../net/node-address.ts';

/** The addresses of each name that DNS has answered, under its text in a config; of other names nothing is known. */
export type Answers = ReadonlyMap<string, readonly Address[]>;

/** What a policy depends on besides config and flags, as plain data. What is undefined is not known. */
export interface NodeFacts {
  readonly addresses?: readonly NodeAddress[] | undefined;
  readonly answers?: Answers | undefined;
}
