/**
 * `npm run demo`: a real agent on a ConfigMap, real packets, and what became of them. Everything happens in network
 * namespaces of its own; it takes some ten seconds and ends with an error where a verdict is not the right one.
 */
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { styleText } from 'node:util';
import { exitCodes } from '../src/errors.ts';
import { type AgentProcess, bundle } from '../test/kernel/harness/agent-process.ts';
import { removeStaleNamespaces } from '../test/kernel/harness/namespace.ts';
import { TestBed } from '../test/kernel/harness/test-bed.ts';
import { addresses } from '../test/kernel/harness/topology.ts';
import { type Expectation, type Observation, tryConnections } from './demo/connections.ts';
import { formatTable } from './demo/table.ts';

/** The sample of Tencent's TKE document, which masquerades towards link-local addresses and keeps a source range. */
const sampleConfig = `NonMasqueradeCIDRs:
  - 192.168.0.0/16
NonMasqueradeSrcCIDRs:
  - 10.0.0.0/12
MasqLinkLocal: true
MasqLinkLocalIPv6: false
ResyncInterval: 1m0s
`;
const editedConfig = `NonMasqueradeCIDRs:
  - 192.168.0.0/16
  - 203.0.113.0/24
MasqLinkLocal: true
MasqLinkLocalIPv6: false
ResyncInterval: 1m0s
`;
const file = 'ip-masq-agent';
const resyncInterval = '2s';
const policyFlags = ['--enable-ipv6'];

const { ipv4, ipv6 } = addresses;
const toTheInternet = { source: ipv4.pod, destination: '203.0.113.8' };
const toPrivate = { source: ipv4.pod, destination: '192.168.7.7' };
const fromKeptSource = { source: '10.3.2.1', destination: '198.18.0.9' };
const toMetadata = { source: ipv4.pod, destination: '169.254.169.254' };
const toTheInternet6 = { source: ipv6.pod, destination: '2001:db8:53::8' };
const toLinkLocal6 = { from: 'node', source: ipv6.node, destination: 'fe80::7%world' } as const;

const underTheSample: readonly Expectation[] = [
  { ...toTheInternet, expected: 'masquerade' },
  { ...toPrivate, expected: 'keep' },
  { ...fromKeptSource, expected: 'keep' },
  { ...toMetadata, expected: 'masquerade' },
  { ...toTheInternet6, expected: 'masquerade' },
  { ...toLinkLocal6, expected: 'keep' },
];
const afterTheEdit: readonly Expectation[] = [
  { ...toTheInternet, expected: 'keep' },
  { ...toPrivate, expected: 'keep' },
  { ...fromKeptSource, expected: 'masquerade' },
  { ...toMetadata, expected: 'masquerade' },
  { ...toTheInternet6, expected: 'masquerade' },
  { ...toLinkLocal6, expected: 'keep' },
];

function say(text = ''): void {
  process.stdout.write(`${text.replace(/^(?=.)/gm, '  ')}\n`);
}

function heading(text: string): void {
  process.stdout.write(`\n${styleText('bold', text)}\n\n`);
}

const verdictStyles = { keep: 'green', masquerade: 'yellow' } as const;

function showConnections(connections: readonly Observation[], before: readonly Expectation[] = []): void {
  const titles = ['SOURCE', 'DESTINATION', 'SEEN AS', 'VERDICT', 'REASON'].map((title) => styleText('dim', title));
  const rows = connections.map(({ source, destination, seen, expected, reason }, index) => {
    const changed = before[index] !== undefined && before[index].expected !== expected;
    const verdict = styleText(verdictStyles[expected], expected) + (changed ? ' (new)' : '');
    return [source, destination, seen, verdict, reason];
  });
  say(formatTable([titles, ...rows]));
}

/** Tries new connections until one meets the verdict; gives the moment of that, and how many met another one. */
async function waitForVerdict(bed: TestBed, agent: AgentProcess, { expected, ...flow }: Expectation) {
  const deadline = performance.now() + 10_000;
  for (let others = 0; performance.now() < deadline; others++) {
    const triedAt = performance.now();
    const [verdict] = await bed.probe([flow]);
    if (verdict?.verdict === expected) return { at: triedAt, others };
    await sleep(2);
  }
  throw new Error(
    `${flow.source} to ${flow.destination}: no ${expected} within 10 s. The agent said:\n${agent.output}`,
  );
}

/** What `diff` says of a config that is not in force; the flags are those of the agent that runs on the node. */
async function askBeforehand({ runner }: TestBed, config: string): Promise<string> {
  const command = { tool: process.execPath, args: [bundle, 'diff', '-'], input: config };
  const { exitCode, stdout, stderr } = await runner.run(command);
  if (exitCode !== exitCodes.outOfSync) throw new Error(`diff ended with exit code ${exitCode}: ${stdout}${stderr}`);
  return stdout;
}

async function show(bed: TestBed): Promise<void> {
  heading('The agent starts on a mounted ConfigMap');
  say(sampleConfig);
  await bed.config.write({ [file]: sampleConfig });
  const startedAt = performance.now();
  const agent = bed.startAgent('--backend', 'nft', '--resync-interval', resyncInterval, ...policyFlags);
  const started = await waitForVerdict(bed, agent, { ...toTheInternet, expected: 'masquerade' });
  say(`The rules were in force ${duration(startedAt, started.at)} after the process started.`);
  say(
    'Each connection is tried with UDP, TCP and ICMP; "seen as" is the source address that reached the destination.\n',
  );
  showConnections(await tryConnections(bed, policyFlags, underTheSample));

  heading('The ConfigMap changes');
  say('+ 203.0.113.0/24 in NonMasqueradeCIDRs\n- NonMasqueradeSrcCIDRs\n');
  say(`Before it does: ${styleText('bold', 'ip-masq-agent diff - < cm.yaml')}\n`);
  say(await askBeforehand(bed, editedConfig));
  const swappedAt = await bed.config.write({ [file]: editedConfig });
  const edited = await waitForVerdict(bed, agent, { ...toTheInternet, expected: 'keep' });
  say(
    `The first connection was judged by the new lists ${duration(swappedAt, edited.at)} after the swap of the volume.\n`,
  );
  showConnections(await tryConnections(bed, policyFlags, afterTheEdit), underTheSample);

  heading('Somebody flushes the ruleset behind its back');
  const flushedAt = performance.now();
  await bed.node.run('nft', 'flush', 'ruleset');
  const repaired = await waitForVerdict(bed, agent, { ...toMetadata, expected: 'masquerade' });
  const leaked = `${repaired.others} connections that had to be masqueraded got out with the address of the pod`;
  say(`The rules were back ${duration(flushedAt, repaired.at)} after the flush; until then ${leaked}.\n`);
  showConnections(await tryConnections(bed, policyFlags, afterTheEdit));

  heading('The agent goes');
  const stoppedAt = performance.now();
  const { code } = await agent.stop();
  say(`SIGTERM: exit code ${code} after ${duration(stoppedAt, performance.now())}; the rules stay.`);
  if (code !== 0) throw new Error(`the agent ended with exit code ${code}. It said:\n${agent.output}`);
  await tryConnections(bed, policyFlags, afterTheEdit);
  const removed = await bed.node.run(process.execPath, bundle, 'cleanup');
  say(`ip-masq-agent cleanup: ${removed.trim()}.`);
  await waitForVerdict(bed, agent, { ...toMetadata, expected: 'keep' });

  heading('What it logged');
  say(styleText('dim', agent.output));
}

function duration(from: number, to: number): string {
  return styleText('bold', `${Math.round(to - from)} ms`);
}

async function main(): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error('the demo makes network namespaces, for which it has to run as root');
  process.stdout.write(`${styleText('bold', 'ip-masq-agent')}: which connections keep their source address?\n\n`);
  say(
    `pod ${ipv4.pod} ── node ${ipv4.node} ── world\n\nThree network namespaces; the agent runs in node. Nothing of this machine is touched.`,
  );
  execFileSync('sh', ['scripts/build.sh'], { stdio: 'inherit' });
  await removeStaleNamespaces();
  const bed = await TestBed.create();
  // Not `once`: execa ends the process by the signal where nobody else listens any more.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => void bed.close().finally(() => process.exit(1)));
  }
  try {
    await show(bed);
  } finally {
    await bed.close();
  }
  process.stdout.write(`${styleText('green', 'Every verdict was right.')} The namespaces are gone.\n`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`\n${styleText('red', 'The demo failed:')} ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
