import { table } from './names.ts';

/** What the text of `nft monitor` says about our table. */
export interface MonitorEvents {
  /** A transaction touched the table. Told at its first line: the rest of a long one may take a while to arrive. */
  onChange(): void;
  /** Who made that transaction: the program, as far as the kernel knows it. */
  onAuthor(by: string): void;
  /** The kernel sent more events than nft could take: some are lost. */
  onLoss(): void;
}

export interface MonitorReader {
  /** Takes a piece of the output. */
  read(piece: string): void;
  /** Something happened that the output does not show: the next author may be its. */
  expectAuthor(): void;
}

const generation = /^# new generation \d+ by process (\d+) \((.*)\)$/;

/**
 * Reads the output of `nft monitor` piece by piece. Every event names the table that it is about, and every
 * transaction ends with a line that names its generation and its author. Large loads of other tables pass through
 * without being split into lines.
 */
export function createMonitorReader({ onChange, onAuthor, onLoss }: MonitorEvents): MonitorReader {
  let rest = '';
  let touched = false;
  let isAuthorExpected = false;
  /** Events were lost, the end of a transaction perhaps among them: what follows may belong to another one. */
  let hasGap = false;

  const readLine = (line: string): void => {
    const author = generation.exec(line);
    if (author) {
      if (touched || isAuthorExpected) onAuthor(`process ${author[1]} (${author[2]})`);
      touched = false;
      isAuthorExpected = false;
      hasGap = false;
    } else if (line.startsWith('# ERROR')) {
      hasGap = true;
      onLoss();
    } else if ((!touched || hasGap) && ` ${line} `.includes(` ${table} `)) {
      touched = true;
      onChange();
    }
  };

  return {
    read(piece) {
      const text = rest + piece;
      const end = text.lastIndexOf('\n') + 1;
      rest = text.slice(end);
      const isNews = touched || isAuthorExpected || text.includes(table) || text.includes('# ERROR');
      if (isNews) for (const line of text.slice(0, end).split('\n')) readLine(line);
    },
    expectAuthor() {
      isAuthorExpected = true;
    },
  };
}
