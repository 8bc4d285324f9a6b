import type { NameAnswer } from '../names/name-watch.ts';
import { type Line, shortened } from './log-line.ts';
import { describeAddresses, type NameStatus, statusOfName, troubleOfName } from './name-report.ts';

/** What became of names since the last look: those that are in trouble now, and those that are out of it. */
export function nameLines(answers: readonly NameAnswer[], before: readonly NameAnswer[]): readonly Line[] {
  const last = new Map(before.map((answer) => [answer.name, statusOfName(answer)]));
  const changed = answers.filter((answer) => (last.get(answer.name) ?? 'pending') !== statusOfName(answer));
  const told = (status: NameStatus, describe: (answer: NameAnswer) => string): readonly string[] =>
    shortened(changed.filter((answer) => statusOfName(answer) === status).map(describe));
  const trouble = (answer: NameAnswer): string => `${answer.name}: ${troubleOfName(answer)}`;
  const idle = told('idle', trouble);
  const stale = told('stale', trouble);
  const resolved = told('resolved', (answer) => `${answer.name}: ${describeAddresses(answer)}`);
  return [
    ...(idle.length > 0
      ? [
          {
            level: 'warn',
            text: 'names stand for nothing, and their entries change nothing',
            fields: { names: idle },
          } as const,
        ]
      : []),
    ...(stale.length > 0
      ? [
          {
            level: 'warn',
            text: 'DNS does not answer; names keep their last addresses',
            fields: { names: stale },
          } as const,
        ]
      : []),
    ...(resolved.length > 0 ? [{ level: 'info', text: 'names resolved', fields: { names: resolved } } as const] : []),
  ];
}
