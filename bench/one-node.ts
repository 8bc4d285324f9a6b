/**
 * `node bench/one-node.ts [--minutes 10]`: what one node of many costs while nothing happens, for docs/scale.md: series and
 * bytes of a scrape, processor time and memory, bytes of log. As root; everything happens in network namespaces that it
 * creates and deletes.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect, parseArgs } from 'node:util';
import { removeStaleNamespaces } from '../test/kernel/harness/namespace.ts';
import { TestBed } from '../test/kernel/harness/test-bed.ts';
import { get } from '../test/kernel/observability/http-client.ts';
import { configText, networks } from './config-texts.ts';
import { describeMachine } from './machine.ts';
import { childrenOf, cpuOf, memoryOf } from './process-readings.ts';
import { ourAgent } from './subjects.ts';

const address = '127.0.0.1:10279';
/** As often as the chart's ServiceMonitor has it scraped. */
const scrapeEveryMs = 60_000;
/** Long after all that a start brings about. */
const warmUpMs = 30_000;

/** What an agent costs with a backend and a form of log. */
interface Case {
  readonly backend: string;
  readonly logFormat: string;
  readonly isScraped: boolean;
}

const cases: readonly Case[] = [
  { backend: 'nft', logFormat: 'text', isScraped: true },
  { backend: 'nft', logFormat: 'json', isScraped: false },
  { backend: 'iptables-nft', logFormat: 'json', isScraped: true },
];

/**
 * Has the agent's timer of a day go off every second: its line is the agent's own, only its time is not. Loaded before the
 * agent by Node's `--import`.
 */
const hurriedDay = `data:text/javascript,${encodeURIComponent(`
  const { setInterval } = globalThis;
  globalThis.setInterval = (callback, ms, ...rest) => setInterval(callback, ms === 86_400_000 ? 1000 : ms, ...rest);
`)}`;

/** An agent that runs in the node of a test bed, and all that it has logged. */
async function startAgent(bed: TestBed, { backend, logFormat, isScraped }: Case, nodeFlags: readonly string[] = []) {
  const [node, ...options] = ourAgent.command;
  const flags = [`--backend=${backend}`, `--log-format=${logFormat}`, '--config', bed.config.directory];
  const listening = isScraped ? [`--metrics-bind-address=${address}`] : [];
  const { tool, args } = bed.node.inside(node, [...nodeFlags, ...options, ...flags, ...listening]);
  const child = spawn(tool, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk) => chunks.push(chunk));
  const { pid } = child;
  if (pid === undefined) throw new Error('the agent could not be started');
  return {
    pid,
    log: () => chunks.join(''),
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'close');
    },
  };
}

async function inTestBed<T>(use: (bed: TestBed) => Promise<T>): Promise<T> {
  const bed = await TestBed.create();
  try {
    await bed.config.write({ 'ip-masq-agent': configText(networks(10)) });
    return await use(bed);
  } finally {
    await bed.close();
  }
}

/** A node that is left alone but for its scrapes. */
async function measureIdle(subject: Case, minutes: number): Promise<Record<string, number>> {
  return inTestBed(async (bed) => {
    const agent = await startAgent(bed, subject);
    await sleep(warmUpMs);
    const scrapeOnce = async () => (subject.isScraped ? (await get(bed.node, `http://${address}/metrics`)).body : '');
    await scrapeOnce();
    const logBefore = agent.log().length;
    const before = cpuOf(agent.pid);
    let page = '';
    for (let minute = 0; minute < minutes; minute++) {
      await sleep(scrapeEveryMs);
      page = await scrapeOnce();
    }
    const after = cpuOf(agent.pid);
    const seconds = (after.own + after.children - before.own - before.children) / 1000;
    const figures = {
      series: page.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length,
      'bytes per scrape': Buffer.byteLength(page),
      'processor seconds per hour': (seconds * 60) / minutes,
      'resident MB': memoryOf(agent.pid).resident,
      'anonymous MB': memoryOf(agent.pid).anonymous,
      'tools that run': childrenOf(agent.pid).length,
      'bytes of log at the start': logBefore,
      'bytes of log while idle': agent.log().length - logBefore,
    };
    await agent.stop();
    return figures;
  });
}

/** What a change of one CIDR, a bad config and a day say in the log. */
async function measureLog(subject: Case): Promise<Record<string, number>> {
  return inTestBed(async (bed) => {
    const agent = await startAgent(bed, subject, ['--import', hurriedDay]);
    const figures: Record<string, number> = {};
    const measure = async (name: string, line: RegExp): Promise<void> => {
      const from = agent.log().length;
      for (let tries = 0; tries < 200; tries++) {
        const found = agent
          .log()
          .slice(from)
          .split('\n')
          .slice(0, -1)
          .find((text) => line.test(text));
        if (found !== undefined) {
          figures[name] = Buffer.byteLength(found) + 1;
          return;
        }
        await sleep(50);
      }
      throw new Error(`no line like ${line}: ${agent.log()}`);
    };
    await measure('bytes of a heartbeat', /heartbeat/);
    await bed.config.write({ 'ip-masq-agent': configText(networks(11)) });
    await measure('bytes of a change of one CIDR', /rules changed/);
    await bed.config.write({ 'ip-masq-agent': configText([...networks(10), '10.0.0.0/33']) });
    await measure('bytes of a rejected config', /config rejected/);
    await agent.stop();
    return figures;
  });
}

function say(figures: object): void {
  process.stdout.write(`${inspect(figures)}\n`);
}

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
execFileSync('sh', ['scripts/build.sh'], { stdio: 'inherit' });
await removeStaleNamespaces();
say(describeMachine());
const idle = await Promise.all(cases.map((subject) => measureIdle(subject, Number(values.minutes))));
const logs = await Promise.all(cases.map((subject) => measureLog(subject)));
for (const [index, subject] of cases.entries()) say({ ...subject, ...idle[index], ...logs[index] });
