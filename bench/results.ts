import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { formatReport, type Report, reportSchema } from './report.ts';

const directory = fileURLToPath(new URL('results', import.meta.url));

/** The newest of the reports that are kept, if there is one. */
export function lastReport(): Report | undefined {
  const file = globSync(`${directory}/*.json`).sort().at(-1);
  return file === undefined ? undefined : reportSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
}

/** Keeps a report, for machines and for people. Gives the name of the file for people. */
export function keepReport(report: Report): string {
  mkdirSync(directory, { recursive: true });
  const name = `${directory}/${report.date.slice(0, 10)}`;
  writeFileSync(`${name}.json`, `${JSON.stringify(report, undefined, 2)}\n`);
  writeFileSync(`${name}.md`, formatReport(report));
  return `${name}.md`;
}
