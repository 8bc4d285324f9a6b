import { setTimeout as delay } from 'node:timers/promises';
import { type AgentError, asAgentError } from '../errors.ts';
import type { ConnectionReport } from './census.ts';

/** One look at the connections. */
export interface ConnectionSample {
  readonly report: ConnectionReport;
  /** CPU time that it took, the tools included, in milliseconds. */
  readonly cpuMs: number;
}

export interface SamplerOptions {
  /** Looks at the connections; undefined while no policy is in force. */
  readonly look: () => Promise<ConnectionReport | undefined>;
  /** CPU time of this process and its tools so far, in milliseconds. */
  readonly cpuTimeMs: () => Promise<number>;
  readonly onSample: (sample: ConnectionSample) => void;
  /** Called with what keeps the sampler from looking, once for each time that it begins to fail in this way. */
  readonly onFailure: (error: AgentError) => void;
  readonly stop: AbortSignal;
  /** Waits, and throws when stopped; tests have clocks of their own. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

/** However cheap a look is: nobody scrapes more often. */
const shortestWaitMs = 60_000;
/**
 * Of one core, averaged over time. Half of what is promised: any ten minutes may begin with a look, and what the first
 * one takes is not known beforehand.
 */
const largestShare = 0.005;
/** The CPU time of tools is known in steps of 10 ms; a tool that took less must count as well. */
const roundingMs = 10;

/** How long to wait after a look that took so much CPU time, so that looking takes no more than its share. */
export function waitAfter(cpuMs: number): number {
  return Math.max(shortestWaitMs, (cpuMs + roundingMs) / largestShare);
}

/** Looks at the connections again and again, as often as its share of one core allows. */
export class ConnectionSampler {
  #failure: string | undefined;
  readonly #options: SamplerOptions;

  constructor(options: SamplerOptions) {
    this.#options = options;
  }

  /** Runs until stopped. Never throws. */
  async run(): Promise<void> {
    const { stop, wait = waitFor } = this.#options;
    let waitMs = shortestWaitMs;
    for (;;) {
      try {
        await wait(waitMs, stop);
      } catch {
        return;
      }
      waitMs = waitAfter(await this.#look());
    }
  }

  /** One look, and the CPU time that it took. */
  async #look(): Promise<number> {
    const { look, cpuTimeMs, onSample, onFailure, stop } = this.#options;
    const before = await cpuTimeMs();
    try {
      const report = await look();
      const cpuMs = (await cpuTimeMs()) - before;
      this.#failure = undefined;
      if (report) onSample({ report, cpuMs });
      return cpuMs;
    } catch (cause) {
      const error = asAgentError(cause);
      if (error.message !== this.#failure && !stop.aborted) onFailure(error);
      this.#failure = error.message;
      return (await cpuTimeMs()) - before;
    }
  }
}

/** Does not keep the process alive. */
function waitFor(ms: number, signal: AbortSignal): Promise<unknown> {
  return delay(ms, undefined, { signal, ref: false });
}
