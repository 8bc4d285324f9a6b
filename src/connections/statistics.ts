import { readFile } from 'node:fs/promises';

/** What the kernel says of its connection table. Undefined: it does not say. */
export interface TableStatistics {
  readonly entries: number | undefined;
  readonly limit: number | undefined;
  /** Connections that could not be confirmed since boot: no port was free, or another packet was faster. */
  readonly insertFailed: number | undefined;
  /** Packets dropped since boot: `insertFailed`, and where the table was full or memory short. */
  readonly drop: number | undefined;
}

/**
 * Reads them without a tool. What the kernel counts it counts in each network namespace and for each CPU; without
 * CONFIG_NF_CONNTRACK_PROCFS, and before conntrack is loaded, there is no such file. Never throws.
 */
export async function readTableStatistics(): Promise<TableStatistics> {
  const [entries, limit, counters] = await Promise.all([
    read('/proc/sys/net/netfilter/nf_conntrack_count'),
    read('/proc/sys/net/netfilter/nf_conntrack_max'),
    read('/proc/self/net/stat/nf_conntrack'),
  ]);
  const sums = counters === undefined ? new Map<string, number>() : sumOverCpus(counters);
  return {
    entries: numberIn(entries),
    limit: numberIn(limit),
    insertFailed: sums.get('insert_failed'),
    drop: sums.get('drop'),
  };
}

/** The columns of /proc/net/stat/nf_conntrack (ct_cpu_seq_show), summed: names, then a line in hex for each CPU. */
export function sumOverCpus(text: string): ReadonlyMap<string, number> {
  const [names = [], ...cpus] = text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  const sumOf = (column: number): number =>
    cpus.reduce((sum, fields) => sum + Number.parseInt(fields[column] ?? '0', 16), 0);
  return new Map(names.map((name, column) => [name, sumOf(column)]));
}

function numberIn(text: string | undefined): number | undefined {
  const number = text === undefined ? Number.NaN : Number.parseInt(text, 10);
  return Number.isNaN(number) ? undefined : number;
}

async function read(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'latin1');
  } catch {
    return undefined;
  }
}
