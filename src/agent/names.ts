import type { NameAnswer } from '../names/name-watch.ts';
import type { Answers } from '../policy/node-facts.ts';

/** What the loop knows of DNS names: src/names/name-watch.ts says what each of these means. */
export interface Names {
  follow(names: readonly string[], longestIntervalMs: number): void;
  answers(): readonly NameAnswer[];
  awaited(): readonly string[];
  stop(): void;
}

/** Begins to resolve names, and calls back whenever that has come to something new. */
export type StartNames = (onChange: () => void) => Names;

/** The addresses that the policy is made of: those of names that were never answered are not known. */
export function answersOf(known: readonly NameAnswer[]): Answers {
  return new Map(known.filter(({ isAnswered }) => isAnswered).map(({ name, addresses }) => [name, addresses]));
}
