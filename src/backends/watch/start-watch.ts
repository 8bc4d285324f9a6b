import { asAgentError } from '../../errors.ts';
import type { Runner } from '../../system/run.ts';
import type { BackendName } from '../backend.ts';
import type { ChangeListener, ChangeWatch, StartChangeWatch } from '../change-watch.ts';
import { natTable, postrouting, toolsOf, waitForLock } from '../iptables/names.ts';
import { table } from '../nft/names.ts';
import { concernsIptables, concernsNft } from './nftables-events.ts';
import type { OwnTransactions } from './own-transactions.ts';
import { PollingWatch, type ReadRules } from './polling-watch.ts';
import { type OpenNetlink, SocketWatch, type SocketWatchOptions } from './socket-watch.ts';

export interface ChangeWatchOptions {
  readonly backend: BackendName;
  /** --masq-chain. */
  readonly chain: string;
  readonly runner: Runner;
  readonly openNetlink: OpenNetlink;
  /** The observer of the children of all runners that change rules. */
  readonly own: OwnTransactions;
}

/** The watch for a backend's rules; undefined for iptables-legacy, whose changes the kernel tells nobody. */
export function changeWatchFor(options: ChangeWatchOptions): StartChangeWatch | undefined {
  const { backend, chain, runner } = options;
  if (backend === 'iptables-legacy') return undefined;
  const concerns = backend === 'nft' ? concernsNft : concernsIptables(chain);
  const readRules = backend === 'nft' ? listTable(runner) : listChains(runner, chain);
  return (listener) => new HeardOrPolledWatch({ ...options, concerns }, readRules, listener);
}

/** Hears the kernel where that is possible, and polls from the moment on where it is not. */
class HeardOrPolledWatch implements ChangeWatch {
  #current: ChangeWatch | undefined;
  #isStopped: boolean = false;
  readonly #started: Promise<void>;

  constructor(options: SocketWatchOptions, readRules: ReadRules, listener: ChangeListener) {
    const poll = (reason: string): void => {
      if (this.#isStopped) return;
      listener.onFailure(reason);
      this.#current = new PollingWatch(readRules, listener);
    };
    this.#started = SocketWatch.start(options, { ...listener, onFailure: poll }).then(
      (watch) => {
        this.#current = watch;
      },
      (error) => poll(asAgentError(error).message),
    );
  }

  proveNoChangeSince(moment: number): Promise<boolean> {
    return this.#current?.proveNoChangeSince(moment) ?? Promise.resolve(false);
  }

  originSince(moment: number) {
    return this.#current?.originSince(moment);
  }

  othersChangedAt(): number | undefined {
    return this.#current?.othersChangedAt();
  }

  noteLook(startedAt: number, wasWritten: boolean): void {
    this.#current?.noteLook(startedAt, wasWritten);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#started;
    await this.#current?.stop();
  }
}

/** Without elements, whatever their number: 10 to 20 ms, and nothing of other tables. */
function listTable(runner: Runner): ReadRules {
  return async (signal) => {
    const args = ['-t', '-s', 'list', 'table', ...table.split(' ')];
    const { exitCode, stdout } = await runner.run({ tool: 'nft', args, signal });
    return `${exitCode}\n${stdout}`;
  };
}

function listChains(runner: Runner, chain: string): ReadRules {
  return async (signal) => {
    const texts: string[] = [];
    for (const family of ['ipv4', 'ipv6'] as const) {
      for (const name of [postrouting, chain]) {
        const args = [...waitForLock, '-t', natTable, '-S', name];
        const { exitCode, stdout } = await runner.run({ tool: toolsOf('nft', family).rules, args, signal });
        texts.push(`${exitCode}\n${stdout}`);
      }
    }
    return texts.join('');
  };
}
