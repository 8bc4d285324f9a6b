/** One line of the tables: what a subject took, as the median of some samples. */
export interface Figure {
  readonly subject: string;
  /** Entries in the policy; absent where it does not matter. */
  readonly cidrs?: number | undefined;
  readonly quantity: string;
  readonly unit: 'ms' | 'µs' | 'MB';
  readonly median: number;
  /** The 10th and the 90th percentile. */
  readonly spread: readonly [number, number];
  readonly samples: number;
}

/** What the project promises of its own agent. Ratios (`×`) hold on any machine, so they are what runs are compared by. */
export interface Goal {
  readonly name: string;
  readonly value: number;
  readonly unit: '×' | 'ms' | 'MB';
  /** What the value should be, at most or at least; a ratio without a limit is only watched. */
  readonly limit?: number | undefined;
  readonly better: 'lower' | 'higher';
}

/** What one measurement came to. */
export interface Findings {
  readonly title: string;
  /** How it was measured, for whoever wants to judge the figures. */
  readonly method: string;
  readonly figures: readonly Figure[];
  readonly goals: readonly Goal[];
}

/** The value below which the given part of the samples lies, 0 to 1; between two samples, in proportion. */
export function quantile(samples: readonly number[], part: number): number {
  const sorted = samples.toSorted((one, other) => one - other);
  const position = (sorted.length - 1) * part;
  const below = sorted[Math.floor(position)];
  const above = sorted[Math.ceil(position)];
  if (below === undefined || above === undefined) throw new RangeError('no samples');
  return below + (above - below) * (position - Math.floor(position));
}

/** A figure made of samples. */
export function figureOf(
  samples: readonly number[],
  labels: Pick<Figure, 'subject' | 'cidrs' | 'quantity' | 'unit'>,
): Figure {
  const spread = [quantile(samples, 0.1), quantile(samples, 0.9)] as const;
  return { ...labels, median: quantile(samples, 0.5), spread, samples: samples.length };
}

/** Whether a goal is met; one without a limit always is. */
export function isMet({ value, limit, better }: Goal): boolean {
  if (limit === undefined) return true;
  return better === 'lower' ? value <= limit : value >= limit;
}
