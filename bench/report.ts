import { z } from 'zod';
import { type Figure, type Findings, type Goal, isMet } from './figures.ts';

/** A run of the benchmark. */
export interface Report {
  readonly date: string;
  readonly machine: Readonly<Record<string, string>>;
  readonly findings: readonly Findings[];
}

const figure = z.object({
  subject: z.string(),
  cidrs: z.number().optional(),
  quantity: z.string(),
  unit: z.enum(['ms', 'µs', 'MB']),
  median: z.number(),
  spread: z.tuple([z.number(), z.number()]),
  samples: z.number(),
});
const goal = z.object({
  name: z.string(),
  value: z.number(),
  unit: z.enum(['×', 'ms', 'MB']),
  limit: z.number().optional(),
  better: z.enum(['lower', 'higher']),
});

/** A report as JSON.parse() gives it; throws where it is none. */
export const reportSchema = z.object({
  date: z.string(),
  machine: z.record(z.string(), z.string()),
  findings: z.array(
    z.object({ title: z.string(), method: z.string(), figures: z.array(figure), goals: z.array(goal) }),
  ),
});

/** The report for people. */
export function formatReport({ date, machine, findings }: Report): string {
  const goals = findings.flatMap((finding) => finding.goals);
  const sections = findings.map(
    ({ title, method, figures }) => `## ${title}\n\n${method}\n\n${formatFigures(figures)}`,
  );
  return [
    `# Benchmark of ${date}\n\n${Object.entries(machine)
      .map(([name, value]) => `- ${name}: ${value}`)
      .join('\n')}\n`,
    `## Goals\n\n${formatGoals(goals)}`,
    ...sections,
  ].join('\n');
}

/** The goals as a table. */
export function formatGoals(goals: readonly Goal[]): string {
  return table(
    ['what', 'value', 'goal', ''],
    goals.map((entry) => {
      const { name, value, unit, limit, better } = entry;
      if (limit === undefined) return [name, quantity(value, unit), '', ''];
      const bound = `${better === 'lower' ? '≤' : '≥'} ${quantity(limit, unit)}`;
      return [name, quantity(value, unit), bound, isMet(entry) ? 'met' : 'NOT MET'];
    }),
  );
}

function formatFigures(figures: readonly Figure[]): string {
  return table(
    ['what', 'CIDRs', 'quantity', 'median', '10–90 %', 'samples'],
    figures.map(({ subject, cidrs, quantity: what, unit, median, spread: [low, high], samples }) => [
      subject,
      cidrs?.toLocaleString('en-US') ?? '',
      what,
      quantity(median, unit),
      samples > 1 ? `${significant(low)}–${significant(high)}` : '',
      String(samples),
    ]),
  );
}

function quantity(value: number, unit: string): string {
  return `${significant(value)} ${unit}`;
}

/** Three digits that mean something. */
function significant(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return `${lines.join('\n')}\n`;
}
