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
    return withOmitted(this.#problems, this.#omittedProblems, 'problems');
  }

  get warnings(): readonly Problem[] {
    return withOmitted(this.#warnings, this.#omittedWarnings, 'warnings');
  }
}

function withOmitted(found: readonly Problem[], omitted: number, name: string): readonly Problem[] {
  const file = found.at(-1)?.file;
  return omitted === 0 || file === undefined ? found : [...found, { file, message: `${omitted} more ${name}` }];
}
