import type { Problem } from './config.ts';

/** Nobody reads further, and a hostile file must not cost time and memory. */
const most = 200;

/** Gathers what is wrong and what is odd. Problems stop a config from being used, warnings don't. */
export class Findings {
  readonly #problems: Problem[] = [];
  readonly #warnings: Problem[] = [];
  #isIncomplete = false;

  /** So many problems that further ones are left out. */
  get isFull(): boolean {
    return this.#problems.length > most;
  }

  problem(problem: Problem): void {
    if (!this.isFull) this.#problems.push(problem);
  }

  /** A problem for which something was not read: what the files say together can't be judged then. */
  unread(problem: Problem): void {
    this.#isIncomplete = true;
    this.problem(problem);
  }

  get isIncomplete(): boolean {
    return this.#isIncomplete;
  }

  /** Takes what makes the warning, since it is not made where it would be left out. */
  warning(warn: () => Problem): void {
    if (this.#warnings.length <= most) this.#warnings.push(warn());
  }

  get problems(): readonly Problem[] {
    return told(this.#problems, 'problems');
  }

  get warnings(): readonly Problem[] {
    return told(this.#warnings, 'warnings');
  }
}

/** In the order of the files and of the places in them; one more than is told stands for all that are left out. */
function told(found: readonly Problem[], name: string): readonly Problem[] {
  const files = [...new Set(found.map(({ file }) => file))];
  const sorted = files.flatMap((file) => found.filter((problem) => problem.file === file).sort(byPosition));
  const first = sorted[most];
  return first === undefined ? sorted : [...sorted.slice(0, most), { file: first.file, message: `further ${name}` }];
}

function byPosition({ position: a }: Problem, { position: b }: Problem): number {
  return (a?.line ?? 0) - (b?.line ?? 0) || (a?.column ?? 0) - (b?.column ?? 0);
}
