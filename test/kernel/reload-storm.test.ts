import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BackendName } from '../../src/backends/backend.ts';
import { loadConfig } from '../../src/config/load.ts';
import { buildPolicy } from '../../src/policy/build.ts';
import { backendNames, type Candidate, createCandidate } from './candidate.ts';
import type { AgentProcess } from './harness/agent-process.ts';
import { describeKernel } from './harness/describe-kernel.ts';
import { Flood } from './harness/flood/flood.ts';

/**
 * `STORM_SEED=…` repeats a run. `STORM_RELOADS=… STORM_CONNECTIONS=…` make a longer one: so many reloads that the agent
 * carried out, and new connections, at least, on each backend and for each way of writing the config.
 */
const seed = Number(process.env['STORM_SEED'] ?? Date.now() % 2 ** 31);
const reloads = Number(process.env['STORM_RELOADS'] ?? 24);
const connections = Number(process.env['STORM_CONNECTIONS'] ?? 40_000);

/** Every good config keeps the one and masquerades the other. A file just being rewritten is empty: defaults keep neither. */
const plan = { kept: ['100.99.0.0/16'], masqueraded: ['203.0.0.0/16'] };

/** CIDRs in long lists that have nothing to do with the flood; in iptables each is a rule. */
const fillers: Readonly<Record<BackendName, number>> = { nft: 1_000, 'iptables-nft': 100, 'iptables-legacy': 100 };

/** Config changes that follow each other as fast as they can be written. */
interface Burst {
  /** Whether each config is a good one. */
  readonly writes: readonly boolean[];
  /** Undefined: a good config follows, and must come to the kernel. Else the next burst comes so soon, or during a pass. */
  readonly restMs: number | undefined;
}

const burst: fc.Arbitrary<Burst> = fc.record({
  writes: fc.array(
    fc.nat(2).map((number) => number > 0),
    { minLength: 1, maxLength: 12 },
  ),
  restMs: fc.oneof(fc.constant(undefined), fc.nat(60)),
});

/** Where the agent reads its config, and how that is written. */
type WayOfWriting = (candidate: Candidate) => { readonly path: string; write(text: string): Promise<void> };

const ways: Readonly<Record<string, WayOfWriting>> = {
  'a ConfigMap that is swapped': ({ bed }) => ({
    path: bed.config.directory,
    write: async (text) => void (await bed.config.write({ 'ip-masq-agent': text })),
  }),
  'a file that is rewritten in place': ({ bed }) => {
    const path = join(bed.directory, 'agent.yaml');
    return { path, write: (text) => writeFile(path, text) };
  },
};

describeKernel(`a storm of config changes (seed ${seed})`, () => {
  describe.each(backendNames)('on %s', (name) => {
    let candidate: Candidate;
    beforeEach(async () => {
      candidate = await createCandidate(name);
    });
    afterEach(() => candidate.bed.close());

    it.each(Object.entries(ways))(
      'to %s never misjudges a connection, and its last word holds each time it rests',
      { timeout: 3_600_000 },
      async (_, wayOf) => {
        const { backend, bed } = candidate;
        const { path, write } = wayOf(candidate);
        let writes = 0;
        const writeNext = (isGood: boolean) => write(configText(++writes, isGood, fillers[name]));
        await writeNext(true);
        // No resync comes to help.
        const agent = bed.startAgent('--config', path, '--backend', name, '--resync-interval', '1h');
        await agent.waitFor(/rules applied/);
        const flood = await Flood.start(bed, plan);
        const expectLastInForce = async () => {
          const last = await policyAt(path);
          await expect.poll(() => backend.observe(last), { timeout: 20_000 }).toMatchObject({ state: 'in-sync' });
        };
        const memory = await storm(agent, flood, writeNext, expectLastInForce);
        // A bad one for sure, and one after it.
        const from = agent.lines.length;
        await writeNext(false);
        await agent.waitFor(/config rejected/, { from });
        await writeNext(true);
        await expectLastInForce();
        const counts = await flood.stop();

        const rejected = linesLike(agent, /config rejected/);
        process.stdout.write(
          `${name}, seed ${seed}: ${writes} configs written, ${linesLike(agent, /rules changed/)} carried out, ${rejected} rejected; ` +
            `${JSON.stringify(counts)}; the agent's memory: ${memory}\n`,
        );
        expect([counts.kept.wrong, counts.masqueraded.wrong]).toEqual([0, 0]);
        expect(Math.min(counts.kept.right, counts.masqueraded.right)).toBeGreaterThan(connections / 4);
        expect(agent.lines.filter(({ text }) => / error (?!config rejected)/.test(text))).toEqual([]);
        expect(await agent.stop()).toEqual({ code: 0, signal: null });
      },
    );
  });
});

/** Burst upon burst until it has been enough of everything. Gives how much memory the agent took. */
async function storm(
  agent: AgentProcess,
  flood: Flood,
  write: (isGood: boolean) => Promise<void>,
  expectLastInForce: () => Promise<void>,
): Promise<string> {
  const memory = [await residentMegabytes(agent)];
  for (const { writes, restMs } of endless(burst)) {
    for (const isGood of writes) await write(isGood);
    memory.push(await residentMegabytes(agent));
    if (restMs !== undefined) {
      await sleep(restMs);
      continue;
    }
    await write(true);
    await expectLastInForce();
    if (linesLike(agent, /rules changed/) < reloads) continue;
    if ((await flood.counts()).newConnections >= connections) break;
  }
  return `${memory[0]} MB at first, ${Math.max(...memory)} MB at most, ${memory.at(-1)} MB at last`;
}

function linesLike({ lines }: AgentProcess, pattern: RegExp): number {
  return lines.filter(({ text }) => pattern.test(text)).length;
}

/**
 * A config unlike any before. What the flood meets decides in another list each time; the number stands in it, so that
 * no other config has the same rules. A part of it, as a reader may see who comes while it is written, is bad or does
 * the same to the flood.
 */
function configText(number: number, isGood: boolean, fillerCount: number): string {
  if (!isGood) return `nonMasqueradeCIDRs: [100.99.0.0/33] # ${number}\n`;
  const marker = `198.18.${(number >> 8) & 255}.${number & 255}/32, 198.19.${(number >> 16) & 255}.0/24`;
  const filler = Array.from({ length: fillerCount }, (_, index) => `172.${16 + (index >> 8)}.${index & 255}.0/25`);
  const texts = [
    `nonMasqueradeCIDRs: [100.99.0.0/16, ${[marker, ...filler].join(', ')}]`,
    `nonMasqueradeCIDRs: [100.99.0.0/16, ${marker}]`,
    `forceMasqueradeCIDRs: [203.0.0.0/16]\nnonMasqueradeSrcCIDRs: [10.244.7.0/24]\nnonMasqueradeCIDRs: [${marker}]`,
    `forceMasqueradeCIDRs: [203.0.0.0/17, 203.0.128.0/17, ${[marker, ...filler].join(', ')}]\nnonMasqueradeSrcCIDRs: [10.244.7.2/32]`,
    `forceMasqueradeCIDRs: [203.0.0.0/16, ${marker}]\nmasqOutBound: false`,
  ];
  return `cidrLimit: 5000\n${texts[number % texts.length]}\n`;
}

async function policyAt(path: string) {
  const reading = await loadConfig(path, { enableIPv6: false, nomasqAllReservedRanges: false, allowNames: true });
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  return buildPolicy(reading.config, { enableIPv6: false, randomFully: true, toPorts: [] });
}

async function residentMegabytes({ pid }: AgentProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024);
}

/** Random values without end, the same for the same seed. */
function* endless<T>(arbitrary: fc.Arbitrary<T>): Generator<T> {
  for (let round = 0; ; round++) yield* fc.sample(arbitrary, { seed: seed + round, numRuns: 100 });
}
