import type { Decider } from '../backends/foreign/deciders.ts';
import { type Address, parseAddress } from '../net/address.ts';
import type { Outcome } from '../policy/decide.ts';
import type { Host } from '../policy/host.ts';
import type { Policy } from '../policy/policy.ts';
import { type Connection, isDestinationTranslated, isSourceTranslated } from './connection.ts';
import { VerdictLookup } from './verdict-lookup.ts';

/**
 * What a connection is beside the policy. `local` ends on the node, so that postrouting rules are not asked about it as
 * one that leaves; `otherwise` was not treated as the policy treats it; `other` looks so, but may be the work of
 * another program.
 */
export type Judgement =
  | { readonly kind: 'local' }
  | {
      readonly kind: 'agrees' | 'otherwise' | 'other';
      readonly is: Outcome;
      readonly should: Outcome;
      /** The original source is an address of the node. */
      readonly isOwn: boolean;
    };

export interface JudgeOptions {
  readonly policy: Policy;
  /** The node's own addresses. */
  readonly host: Host;
  /** The rules of other programs that may decide about a connection; undefined where these are not known. */
  readonly decidersOf: ((source: Address, destination: Address) => readonly Decider[]) | undefined;
}

const local: Judgement = { kind: 'local' };
const kept: Outcome = { verdict: 'keep', address: null };

/**
 * Judges connections as postrouting saw them: original source, translated destination. What it calls `otherwise` may
 * be deleted, so in doubt it does not.
 */
export class Judge {
  readonly #host: Host;
  readonly #decidersOf: JudgeOptions['decidersOf'];
  readonly #verdicts: VerdictLookup;

  constructor({ policy, host, decidersOf }: JudgeOptions) {
    this.#host = host;
    this.#decidersOf = decidersOf;
    this.#verdicts = new VerdictLookup(policy);
  }

  judge(connection: Connection): Judgement {
    const source = parseAddress(connection.original.source);
    const destination = parseAddress(connection.reply.source);
    if (!source || !destination || this.#host.isLocal(destination)) return local;
    const address = connection.reply.destination;
    const is: Outcome = isSourceTranslated(connection) ? { verdict: 'masquerade', address } : kept;
    const should = this.#verdicts.outcomeOf(source, destination);
    const isOwn = this.#host.isLocal(source);
    // Masquerading what has the node's address anyway leaves no trace.
    const leavesNoTrace = isOwn && is.verdict === 'keep';
    if (leavesNoTrace || !this.#differs(is, should)) return { kind: 'agrees', is, should, isOwn };
    const isOurs =
      !isOwn &&
      !(is.verdict === 'masquerade' && isDestinationTranslated(connection)) &&
      !this.#mayBeDecidedByOthers(is, should, source, destination);
    return { kind: isOurs ? 'otherwise' : 'other', is, should, isOwn };
  }

  #differs(is: Outcome, should: Outcome): boolean {
    if (is.verdict !== should.verdict) return true;
    if (is.address === null) return false;
    // Not as texts: there are several for one IPv6 address.
    const has = parseAddress(is.address);
    if (!has) return false;
    return should.address === null ? !this.#host.isLocal(has) : has.value !== parseAddress(should.address)?.value;
  }

  /**
   * Whether a rule of another program could have decided first, or could have caught what ours keep. A rule that
   * masquerades leaves a trace, so about a connection that has kept its address it has not decided, though it would the
   * next time if it is certain to match.
   */
  #mayBeDecidedByOthers(is: Outcome, should: Outcome, source: Address, destination: Address): boolean {
    if (!this.#decidersOf) return true;
    return this.#decidersOf(source, destination).some(({ action, when, certain }) => {
      if (when === 'after') return should.verdict === 'keep' && action !== 'accept';
      return is.verdict === 'masquerade' || action !== 'masquerade' || certain;
    });
  }
}
