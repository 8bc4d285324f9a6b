/**
 * `npm run bench`: what the agent costs, side by side with bare Node and, on request, with other agents, all in one run.
 *
 *   --quick               a few rounds of everything, within two minutes; nothing is kept
 *   --agent 'PATH ARGS'   another agent to be measured where that makes sense; may be repeated
 *   --only a,b            only these measurements; nothing is kept
 *
 * A full run is kept in bench/results. Everything happens in network namespaces that it creates and deletes.
 */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { removeStaleNamespaces } from '../test/kernel/harness/namespace.ts';
import type { Findings } from './figures.ts';
import { describeMachine } from './machine.ts';
import type { Measurement } from './measurement.ts';
import { measureApply } from './measurements/apply.ts';
import { measureConnections } from './measurements/connection.ts';
import { measureMemory } from './measurements/memory.ts';
import { measureNeighbour } from './measurements/neighbour.ts';
import { measureReload } from './measurements/reload.ts';
import { measureRepair } from './measurements/repair.ts';
import { measureResync } from './measurements/resync.ts';
import { measureStart } from './measurements/start.ts';
import { findRegressions } from './regression.ts';
import { formatGoals, formatReport, type Report } from './report.ts';
import { keepReport, lastReport } from './results.ts';
import { ourAgent, subjectOf } from './subjects.ts';

const measurements: Readonly<Record<string, Measurement>> = {
  start: measureStart,
  memory: measureMemory,
  resync: measureResync,
  reload: measureReload,
  apply: measureApply,
  repair: measureRepair,
  neighbour: measureNeighbour,
  connection: measureConnections,
};

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    agent: { type: 'string', multiple: true, default: [] },
    only: { type: 'string', default: Object.keys(measurements).join(',') },
  },
});

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function measure(): Promise<Report> {
  const plan = { agents: [ourAgent, ...values.agent.map(subjectOf)] as const, quick: values.quick };
  const findings: Findings[] = [];
  for (const name of values.only.split(',')) {
    const measurement = measurements[name];
    if (!measurement) throw new Error(`no measurement ${name}; there are ${Object.keys(measurements).join(', ')}`);
    const startedAt = performance.now();
    findings.push(await measurement(plan));
    say(`${name}: measured in ${Math.round((performance.now() - startedAt) / 1000)} s`);
  }
  return { date: new Date().toISOString(), machine: describeMachine(), findings };
}

/** Points out what has become slower or larger since the figures that are kept; it is not for this program to judge. */
function compare({ findings }: Report, before: Report | undefined): void {
  if (!before) return;
  const goalsOf = (report: Pick<Report, 'findings'>) => report.findings.flatMap(({ goals }) => goals);
  const regressions = findRegressions(goalsOf(before), goalsOf({ findings }));
  for (const { name, before: known, now } of regressions)
    say(`SLOWER OR LARGER THAN ${before.date.slice(0, 10)}: ${name}: ${now.toFixed(2)} instead of ${known.toFixed(2)}`);
  if (regressions.length === 0) say(`no ratio is more than 20 % worse than on ${before.date.slice(0, 10)}`);
}

if (process.getuid?.() === 0) {
  execFileSync('sh', ['scripts/build.sh'], { stdio: 'inherit' });
  await removeStaleNamespaces();
  const before = lastReport();
  const report = await measure();
  const isWhole = !values.quick && report.findings.length === Object.keys(measurements).length;
  say(values.quick ? `\n${formatGoals(report.findings.flatMap(({ goals }) => goals))}` : `\n${formatReport(report)}`);
  compare(report, before);
  if (isWhole) say(`kept as ${keepReport(report)}`);
} else {
  say('the benchmark is skipped: network namespaces need root');
}
// Namespaces are gone, and with them the processes inside; the channels to those need not be waited for.
process.exit();
