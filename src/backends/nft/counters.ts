import { AgentError } from '../../errors.ts';
import type { Family } from '../../net/family.ts';
import type { Verdict } from '../../policy/decide.ts';
import type { Runner } from '../../system/run.ts';
import { isAbsent, nftError } from './failure.ts';
import { type Listing, parseListing } from './listing.ts';
import { counters, table } from './names.ts';

/** Connections judged so far, by verdict and family. */
export type ConnectionCounts = Readonly<Record<Verdict, Readonly<Record<Family, number>>>>;

export interface ConnectionCounters {
  /**
   * Reads the counters now. They never go down while this object lives: what the kernel had counted in a table that
   * was deleted since is kept. Reads that come while one runs share it. Throws AgentError.
   */
  read(signal?: AbortSignal): Promise<ConnectionCounts>;
}

const counterNames: Readonly<Record<Verdict, Readonly<Record<Family, string>>>> = {
  masquerade: counters.masqueraded,
  keep: counters.kept,
};

/** A scrape is not worth more of a node's time. */
const timeoutMs = 5_000;

/**
 * The connections that the rules have counted. NAT chains see the first packet of a connection only, so packets are
 * connections. Counters belong to the table and so outlive reloads, repairs and restarts of the agent.
 *
 * Reading costs time in proportion to the elements of our own sets up to nft 1.0.6, and none to speak of later.
 */
export function createConnectionCounters({ runner }: { runner: Runner }): ConnectionCounters {
  const totals = new Map<string, RisingTotal>();
  const totalOf = (name: string, count: number): number => {
    const total = totals.get(name) ?? new RisingTotal();
    totals.set(name, total);
    return total.advanceTo(count);
  };
  let reading: Promise<ConnectionCounts> | undefined;
  const read = async (signal?: AbortSignal): Promise<ConnectionCounts> => {
    const listing = await listCounters(runner, signal);
    const ofVerdict = (verdict: Verdict): Record<Family, number> => ({
      ipv4: totalOf(counterNames[verdict].ipv4, packetsOf(listing, counterNames[verdict].ipv4)),
      ipv6: totalOf(counterNames[verdict].ipv6, packetsOf(listing, counterNames[verdict].ipv6)),
    });
    return { masquerade: ofVerdict('masquerade'), keep: ofVerdict('keep') };
  };
  return {
    read(signal) {
      reading ??= read(signal).finally(() => {
        reading = undefined;
      });
      return reading;
    },
  };
}

/** The sum of a count that may start again from zero. */
class RisingTotal {
  #before = 0;
  #last = 0;

  advanceTo(count: number): number {
    if (count < this.#last) this.#before += this.#last;
    this.#last = count;
    return this.#before + count;
  }
}

async function listCounters(runner: Runner, signal?: AbortSignal): Promise<Listing> {
  // Not `list counters`: up to nft 1.0.6 that reads everybody's sets, 1.4 s beside a kube-proxy of 5,000 services.
  const args = ['-t', 'list', 'table', ...table.split(' ')];
  const outcome = await runner.run({ tool: 'nft', args, timeoutMs, signal });
  if (isAbsent(outcome)) return new Map();
  if (outcome.exitCode !== 0) throw nftError(outcome, args.join(' '));
  return parseListing(outcome.stdout);
}

/** A counter that is not there has counted nothing. */
function packetsOf(listing: Listing, name: string): number {
  const body = listing.get(`counter ${name}`);
  if (body === undefined) return 0;
  const packets = /^packets (\d+) bytes \d+$/.exec(body)?.[1];
  if (packets === undefined)
    throw new AgentError('TOOL_FAILED', `nft lists counter ${name} as ${JSON.stringify(body)}`);
  return Number(packets);
}
