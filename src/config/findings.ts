import type { Problem } from './config.ts';

/** Beyond so many, only the number is told: nobody reads further, and a hostile file must not cost memory. */
const most = 200;

/** Gathers what is wrong and what is odd. Problems stop a config from being used, warnings don't. */
export class Findings {
  readonly #problems: Problem[] = [];
  readonly #warnings: Problem[] = [];
  #omittedProblems = 0;
  #omittedWarnings = 0;

  problem(problem: Problem): void {
    if (this.#problems.length < most) this.#problems.push(problem);
    else this.#omittedProblems += 1;
  }

  warning(warning: Problem): void {
    if (this.#warnings.length < most) this.#warnings.push(warning);
    else this.#omittedWarnings += 1;
  }

  get problems(): readonly Problem[] {
    return told(this.#problems, this.#omittedProblems, 'problems');
  }

  get warnings(): readonly Problem[] {
    return told(this.#warnings, this.#omittedWarnings, 'warnings');
  }
}

/** In the order of the files and of the places in them. */
function told(found: readonly Problem[], omitted: number, name: string): readonly Problem[] {
  const files = [...new Set(found.map(({ file }) => file))];
  const sorted = files.flatMap((file) => found.filter((problem) => problem.file === file).sort(byPosition));
  const last = files.at(-1);
  return omitted === 0 || last === undefined ? sorted : [...sorted, { file: last, message: `${omitted} more ${name}` }];
}

function byPosition({ position: a }: Problem, { position: b }: Problem): number {
  return (a?.line ?? 0) - (b?.line ?? 0) || (a?.column ?? 0) - (b?.column ?? 0);
}
