import type { Attempt, Place, Report } from './endpoint/messages.ts';

/** What became of a flow: the source address and port that its destination saw. ICMP has no port: 0. */
export type Verdict =
  | { readonly verdict: 'keep' | 'masquerade'; readonly address: string; readonly port: number }
  | { readonly verdict: 'lost'; readonly reason: string };

/** So few that no socket buffer overflows: whatever is lost, the rules have dropped. */
const attemptsAtOnce = 128;
/** How long nothing may arrive before the rest counts as lost. Veth pairs deliver at once; this is for a busy machine. */
const patienceMs = 1_500;

/** One attempt on its way: where it left from and where it seemed to come from. */
class Trial {
  readonly #verdict = Promise.withResolvers<Verdict>();
  readonly verdict = this.#verdict.promise;
  #sent?: Place;
  #seen?: Place;

  sent(place: Place): void {
    this.#sent = place;
    this.#judge();
  }

  seen(place: Place): void {
    this.#seen = place;
    this.#judge();
  }

  lost(reason: string): void {
    this.#verdict.resolve({ verdict: 'lost', reason });
  }

  #judge(): void {
    if (!this.#sent || !this.#seen) return;
    const { address, port } = this.#seen;
    const same = address === this.#sent.address && port === this.#sent.port;
    this.#verdict.resolve({ verdict: same ? 'keep' : 'masquerade', address, port });
  }
}

/** Matches what one endpoint sent with what another one saw. */
export class Prober {
  readonly #trials = new Map<number, Trial>();
  #nextId = 0;

  /** Takes the reports of every endpoint. */
  readonly onReport = (report: Report): void => {
    if (report.kind === 'ready') return;
    if (report.kind === 'failed') this.#trials.get(report.id)?.lost(report.reason);
    else for (const place of report.attempts) this.#trials.get(place.id)?.[report.kind](place);
  };

  /** Makes the attempts, a few at a time, by giving them to `send`, and gives what became of each, in their order. */
  async probe(attempts: readonly Omit<Attempt, 'id'>[], send: (attempts: Attempt[]) => void): Promise<Verdict[]> {
    const verdicts: Verdict[] = [];
    for (let start = 0; start < attempts.length; start += attemptsAtOnce) {
      verdicts.push(...(await this.#try(attempts.slice(start, start + attemptsAtOnce), send)));
    }
    return verdicts;
  }

  async #try(attempts: readonly Omit<Attempt, 'id'>[], send: (attempts: Attempt[]) => void): Promise<Verdict[]> {
    const numbered = attempts.map((attempt) => ({ ...attempt, id: this.#nextId++ }));
    const trials = numbered.map(({ id }) => {
      const trial = new Trial();
      this.#trials.set(id, trial);
      return trial;
    });
    send(numbered);
    const giveUp = setTimeout(() => {
      for (const trial of trials) trial.lost(`nothing arrived within ${patienceMs} ms`);
    }, patienceMs);
    for (const { verdict } of trials) void verdict.then(() => giveUp.refresh());
    const verdicts = await Promise.all(trials.map(({ verdict }) => verdict));
    clearTimeout(giveUp);
    for (const { id } of numbered) this.#trials.delete(id);
    return verdicts;
  }
}
