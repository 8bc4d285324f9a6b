/** An inclusive range of source ports, 1–65535. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** What reading the text of --to-ports came to; `message` says what is wrong and what would be valid. */
export type PortRangesReading =
  | { readonly ok: true; readonly ranges: readonly PortRange[] }
  | { readonly ok: false; readonly message: string };

/**
 * How to choose among several ranges in proportion to their size, one after the other: a range that is reached is
 * taken with the chance `size` / `remaining`, where `remaining` counts its own ports and those of the ranges after it.
 * The last range has the chance 1.
 */
export interface PortRangeShare {
  readonly range: PortRange;
  /** Number of ports in this range. */
  readonly size: number;
  /** Number of ports in this range and all that follow. Ports of overlapping ranges count each time. */
  readonly remaining: number;
}

const maxPort = 65_535;
/** Go's strconv.Atoi: decimal digits, a sign and leading zeros allowed. The other sign, `-`, divides the range. */
const portForm = /^\+?\d+$/;
const validForm = `ports 1-${maxPort} or ranges first-last, separated by commas without spaces, e.g. 1024-29999,32768-65535`;

/**
 * Reads the value of --to-ports as upstream's interval.ParseIntervals does, except that ports outside 1–65535 are
 * refused here and not by iptables-restore later. The ranges keep their order and may overlap; an empty text means
 * no range.
 */
export function parsePortRanges(text: string): PortRangesReading {
  if (text === '') return { ok: true, ranges: [] };
  const ranges: PortRange[] = [];
  for (const part of text.split(',')) {
    const range = parsePortRange(part);
    if (typeof range === 'string') return { ok: false, message: `${range}; expected ${validForm}` };
    ranges.push(range);
  }
  return { ok: true, ranges };
}

/** The range, or what is wrong with it. */
function parsePortRange(text: string): PortRange | string {
  const [first = '', last = first, ...rest] = text.split('-');
  if (rest.length > 0 || !portForm.test(first) || !portForm.test(last)) return `"${text}" is not a range of ports`;
  const range = { first: Number(first), last: Number(last) };
  if (!isPort(range.first)) return `"${text}": ${first} is not a port`;
  if (!isPort(range.last)) return `"${text}": ${last} is not a port`;
  if (range.first > range.last) return `"${text}" ends before it begins`;
  return range;
}

function isPort(number: number): boolean {
  return number >= 1 && number <= maxPort;
}

/** `1024-29999`, or `1024` for a range of one port: the form that --to-ports, nft and iptables share. */
export function formatPortRange({ first, last }: PortRange): string {
  return first === last ? String(first) : `${first}-${last}`;
}

/** The shares of the ranges, in their order, as upstream's writeMasqToPortsRules computes them. */
export function portRangeShares(ranges: readonly PortRange[]): readonly PortRangeShare[] {
  let remaining = ranges.reduce((total, range) => total + sizeOf(range), 0);
  return ranges.map((range) => {
    const size = sizeOf(range);
    const share = { range, size, remaining };
    remaining -= size;
    return share;
  });
}

function sizeOf({ first, last }: PortRange): number {
  return last - first + 1;
}
