import type { PortRange } from '../net/port-range.ts';
import type { Outcome } from '../policy/decide.ts';
import { BoundedCounter } from './bounded-counter.ts';
import { type Connection, isSourceTranslated } from './connection.ts';
import type { Judgement } from './judge.ts';
import { PortCount, type PortUse } from './ports.ts';

/** Connections of one kind that were not treated as the policy treats them. */
export interface OtherwiseGroup {
  readonly protocol: string;
  readonly source: string;
  readonly destination: string;
  /** Of the destination; null for protocols without ports. */
  readonly port: number | null;
  readonly is: Outcome;
  readonly should: Outcome;
  readonly count: number;
}

/** The connections of a node beside a policy, as plain data and as such the JSON of `connections --output json`. */
export interface ConnectionReport {
  /** All that are in the default zone, those that end on the node among them. */
  readonly total: number;
  /** Those that leave it with another source address, and with their own. */
  readonly masqueraded: number;
  readonly kept: number;
  /** Those that look judged otherwise, but may be the work of another program. */
  readonly others: number;
  readonly otherwise: { readonly count: number; readonly top: readonly OtherwiseGroup[] };
  readonly ports: readonly PortUse[];
  readonly deleted: number;
}

/** Most kinds of connections judged otherwise to remember: each takes about 150 bytes. */
const maxGroups = 8_192;

/** How many of each kind a report lists. */
const topCount = 20;

/** Counts judged connections, in memory that does not grow with their number. */
export class Census {
  #total = 0;
  #masqueraded = 0;
  #kept = 0;
  #others = 0;
  #otherwise = 0;
  readonly #groups = new BoundedCounter(maxGroups);
  readonly #ports: PortCount;

  constructor(options: { readonly toPorts: readonly PortRange[]; readonly portBudget: number | undefined }) {
    this.#ports = new PortCount(options.toPorts, options.portBudget);
  }

  add(connection: Connection, judgement: Judgement): void {
    this.#total++;
    if (judgement.kind === 'local') return;
    const { kind, is, should, isOwn } = judgement;
    if (is.verdict === 'masquerade') this.#masqueraded++;
    else this.#kept++;
    if (isSourceTranslated(connection) || (isOwn && should.verdict === 'masquerade')) this.#ports.add(connection);
    if (kind === 'other') this.#others++;
    if (kind !== 'otherwise') return;
    this.#otherwise++;
    this.#groups.add(groupKey(connection, is, should));
  }

  report(deleted = 0): ConnectionReport {
    const top = this.#groups.all().slice(0, topCount);
    return {
      total: this.#total,
      masqueraded: this.#masqueraded,
      kept: this.#kept,
      others: this.#others,
      otherwise: { count: this.#otherwise, top: top.map(([key, count]) => groupOf(key, count)) },
      ports: this.#ports.top(topCount),
      deleted,
    };
  }
}

/** What a group is, in one text: objects would take several times as much memory. */
function groupKey({ protocol, original, reply }: Connection, is: Outcome, should: Outcome): string {
  const port = reply.ports?.source ?? '';
  return [protocol, original.source, reply.source, port, ...outcomeKey(is), ...outcomeKey(should)].join(' ');
}

function outcomeKey({ verdict, address }: Outcome): readonly string[] {
  return [verdict, address ?? ''];
}

function groupOf(key: string, count: number): OtherwiseGroup {
  const [protocol = '', source = '', destination = '', port = '', ...outcomes] = key.split(' ');
  const [isVerdict, isAddress, shouldVerdict, shouldAddress] = outcomes;
  return {
    protocol,
    source,
    destination,
    port: port === '' ? null : Number(port),
    is: outcomeOf(isVerdict, isAddress),
    should: outcomeOf(shouldVerdict, shouldAddress),
    count,
  };
}

function outcomeOf(verdict: string | undefined, address: string | undefined): Outcome {
  return { verdict: verdict === 'keep' ? 'keep' : 'masquerade', address: address || null };
}
