import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from '../clock.ts';
import { sha256 } from '../digest.ts';
import type { ConfigOptions, ConfigReading } from './config.ts';
import { fingerprintOf } from './files.ts';
import { interpretSnapshot } from './interpret.ts';
import { type Snapshot, takeSnapshot } from './snapshot.ts';

/** How long a file may be gone, or empty, before it counts as such; a volume swap takes far less. */
const patienceMs = 400;
const lookAgainMs = 20;

/** Reads the same config again and again. */
export interface ConfigReader {
  /** What the config is now; the same object as last time while nothing changed. Never throws. */
  read(): Promise<ConfigReading>;
}

/** Reads the config at a path once: a file, or a directory whose files named `ip-masq*` are merged. Never throws. */
export async function loadConfig(path: string, options: ConfigOptions): Promise<ConfigReading> {
  return await createConfigReader(path, options).read();
}

/** Reads the config that these bytes are, such as those of standard input, as if they were one file of that name. Pure. */
export function readConfigText(name: string, bytes: Uint8Array, options: ConfigOptions): ConfigReading {
  const snapshot: Snapshot = { files: [{ path: name, bytes }], problems: [], warnings: [], isUnsettled: false };
  return interpretSnapshot(snapshot, options, digestOf(snapshot, options));
}

/** What the last reading came from. */
interface Memory {
  readonly reading: ConfigReading;
  readonly fingerprint: string | undefined;
  /** Files that had content: where one of them is suddenly gone or empty, it is perhaps just being replaced. */
  readonly filled: readonly string[];
}

/**
 * A reader for the config at a path: a file, or a directory whose files named `ip-masq*` are merged. While nothing
 * changed it neither reads nor parses. A file that vanishes for an instant, as in a volume swap, is waited for.
 */
export function createConfigReader(path: string, options: ConfigOptions): ConfigReader {
  let memory: Memory | undefined;
  return {
    async read() {
      const fingerprint = await fingerprintOf(path);
      if (memory?.fingerprint !== undefined && memory.fingerprint === fingerprint) return memory.reading;
      const snapshot = await takeSettledSnapshot(path, memory?.filled ?? []);
      if (snapshot.isTorn && memory) {
        // What it was stays, until a look at what the last of the swaps brought.
        memory = { ...memory, fingerprint: undefined };
        return memory.reading;
      }
      const digest = digestOf(snapshot, options);
      const reading = memory?.reading.digest === digest ? memory.reading : interpretSnapshot(snapshot, options, digest);
      // What could not be read may be readable the next time, without a change that the fingerprint shows.
      const isReadable = snapshot.problems.length === 0;
      memory = { reading, fingerprint: isReadable ? fingerprint : undefined, filled: filledFiles(snapshot) };
      return reading;
    },
  };
}

async function takeSettledSnapshot(path: string, filledBefore: readonly string[]): Promise<Snapshot> {
  const deadline = monotonicMs() + patienceMs;
  for (;;) {
    const snapshot = await takeSnapshot(path);
    const filled = filledFiles(snapshot);
    const isSettled = !snapshot.isUnsettled && filledBefore.every((file) => filled.includes(file));
    if (isSettled || monotonicMs() >= deadline) return snapshot;
    await sleep(lookAgainMs);
  }
}

function filledFiles({ files }: Snapshot): readonly string[] {
  return files.filter(({ bytes }) => bytes.length > 0).map(({ path }) => path);
}

/** Hash of all that a reading depends on, so that equal digests mean equal readings. */
function digestOf({ files, problems, warnings }: Snapshot, options: ConfigOptions): string {
  const { enableIPv6, nomasqAllReservedRanges, allowNames } = options;
  const sizes = files.map(({ path, bytes }) => [path, bytes.length]);
  const outline = JSON.stringify([enableIPv6, nomasqAllReservedRanges, allowNames, problems, warnings, sizes]);
  return sha256(outline, ...files.map(({ bytes }) => bytes));
}
