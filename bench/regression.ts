import type { Goal } from './figures.ts';

/** How much worse a ratio may be before it is pointed out: two machines never agree exactly. */
const tolerance = 1.2;

/** A ratio that has become worse. */
export interface Regression {
  readonly name: string;
  readonly before: number;
  readonly now: number;
}

/** The ratios that are worse than before by more than the tolerance. Times and sizes are not compared: machines differ. */
export function findRegressions(before: readonly Goal[], now: readonly Goal[]): Regression[] {
  return now.flatMap((goal) => {
    const known = before.find(({ name }) => name === goal.name);
    if (known === undefined || goal.unit !== '×') return [];
    const factor = goal.better === 'lower' ? goal.value / known.value : known.value / goal.value;
    return factor > tolerance ? [{ name: goal.name, before: known.value, now: goal.value }] : [];
  });
}
