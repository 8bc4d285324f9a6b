/**
 * `node bench/busy-clients.ts [--clients 200] [--seconds 30]`: whether a kubelet reaches the health of an agent whose metrics
 * keep that many clients busy; for docs/scale.md. Health and metrics share an address, then each has its own. As root; everything happens in network namespaces that it creates and deletes.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect, parseArgs } from 'node:util';
import { z } from 'zod';
import { removeStaleNamespaces } from '../test/kernel/harness/namespace.ts';
import { TestBed } from '../test/kernel/harness/test-bed.ts';
import { configText, networks } from './config-texts.ts';
import { describeMachine } from './machine.ts';
import { ourAgent } from './subjects.ts';

const metricsAddress = '127.0.0.1:10279';
const arrangements = { shared: metricsAddress, apart: '127.0.0.1:10278' };

/**
 * Clients on new connections, as many at once as told, until they are killed: `asking` ones ask for a page again and again,
 * `silent` ones say nothing, and connect anew when they are closed.
 */
const clientScript = `
  import { get } from 'node:http';
  import { connect } from 'node:net';
  const [, kind, url, clients] = process.argv;
  const { hostname, port } = new URL(url);
  const ask = () => {
    const request = get(url, { agent: false }, (response) => response.resume().on('end', ask).on('error', ask));
    request.on('error', () => setTimeout(ask, 1));
  };
  const hold = () => connect(port, hostname).on('error', () => {}).on('close', () => setTimeout(hold, 1));
  for (let client = 0; client < Number(clients); client++) kind === 'asking' ? ask() : hold();
  console.log('connecting');
`;

/** Ten times a second a probe as the kubelet makes them by default: a new connection, and one second to answer 200. */
const probes = `
  import { get } from 'node:http';
  const [, url, seconds] = process.argv;
  const probe = () => new Promise((resolve) => {
    const began = performance.now();
    const request = get(url, { agent: false, signal: AbortSignal.timeout(1000) }, (response) =>
      response.resume().on('end', () => resolve({ ok: response.statusCode === 200, ms: performance.now() - began })));
    request.on('error', () => resolve({ ok: false, ms: performance.now() - began }));
  });
  const answers = [];
  for (let count = 0; count < seconds * 10; count++) {
    answers.push(probe());
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  console.log(JSON.stringify(await Promise.all(answers)));
`;

const answers = z.array(z.object({ ok: z.boolean(), ms: z.number() }));

function say(figures: object): void {
  process.stdout.write(`${inspect(figures)}\n`);
}

async function measure(kind: string, healthAddress: string, clients: number, seconds: number) {
  const bed = await TestBed.create();
  const script = (text: string, ...args: readonly string[]) =>
    bed.node.inside(process.execPath, ['--input-type=module', '--eval', text, ...args]);
  try {
    await bed.config.write({ 'ip-masq-agent': configText(networks(10)) });
    const [node, ...options] = ourAgent.command;
    const listening = [`--metrics-bind-address=${metricsAddress}`, `--healthz-bind-address=${healthAddress}`];
    const agent = bed.node.inside(node, [...options, '--backend=nft', '--config', bed.config.directory, ...listening]);
    spawn(agent.tool, agent.args, { stdio: 'ignore' });
    await sleep(3_000);
    const flood = script(clientScript, kind, `http://${metricsAddress}/metrics`, String(clients));
    const busy = spawn(flood.tool, flood.args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(busy.stdout, 'data');
    await sleep(1_000);
    const { tool, args } = script(probes, `http://${healthAddress}/healthz`, String(seconds));
    const results = answers.parse(JSON.parse(execFileSync(tool, args, { encoding: 'utf8' })));
    const times = results.filter(({ ok }) => ok).map(({ ms }) => ms);
    return { probes: results.length, answered: times.length, 'slowest, ms': Math.round(Math.max(0, ...times)) };
  } finally {
    await bed.close();
  }
}

const { values } = parseArgs({
  options: { clients: { type: 'string', default: '200' }, seconds: { type: 'string', default: '30' } },
});
execFileSync('sh', ['scripts/build.sh'], { stdio: 'inherit' });
await removeStaleNamespaces();
say(describeMachine());
for (const kind of ['asking', 'silent']) {
  for (const [arrangement, healthAddress] of Object.entries(arrangements)) {
    const figures = await measure(kind, healthAddress, Number(values.clients), Number(values.seconds));
    say({ clients: kind, arrangement, ...figures });
  }
}
