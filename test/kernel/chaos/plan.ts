import * as fc from 'fast-check';
import type { BackendName } from '../../../src/backends/backend.ts';
import { type FlowAim, flowAims } from '../differential/flow.ts';
import { type ToolFault, toolFaults } from './faulty-tools.ts';
import { injuriesOf } from './injuries.ts';
import { badConfigs, type PolicyShape, policyShapes } from './policies.ts';

/** Something that happens, as plain data. Times are in milliseconds. */
export type Action =
  | { readonly kind: 'config'; readonly policy: PolicyShape }
  | { readonly kind: 'bad config'; readonly text: string }
  /** All files go, and what was there comes back. */
  | { readonly kind: 'config vanishes'; readonly forMs: number }
  /** SIGKILL. A container's tools die with the agent; those of a bare process go on. */
  | { readonly kind: 'kill'; readonly withTools: boolean; readonly downMs: number }
  | {
      readonly kind: 'kill amid a change';
      readonly policy: PolicyShape;
      readonly afterMs: number;
      readonly withTools: boolean;
      readonly downMs: number;
    }
  /** SIGTERM. */
  | { readonly kind: 'restart'; readonly downMs: number }
  /** SIGHUP. */
  | { readonly kind: 'reload' }
  /** Somebody else holds the xtables lock. */
  | { readonly kind: 'lock'; readonly forMs: number }
  | { readonly kind: 'tool fault'; readonly fault: ToolFault; readonly forMs: number }
  /** Events of the kernel are lost to the agent. */
  | { readonly kind: 'deaf' }
  | { readonly kind: 'injury'; readonly name: string };

export type ActionKind = Action['kind'];

/** An action, and when it begins after the begin of the storm. Several may go on at the same time. */
export type Step = Action & { readonly atMs: number };

/** A storm, and the connections that are tried in the quiet after it. */
export interface Round {
  readonly steps: readonly Step[];
  readonly aims: readonly FlowAim[];
}

const stormMs = 2_000;
/** After the last restart, as a rule. */
const lastBlowMs = 2_600;
const probesPerRound = 24;

function objectKeys<Key extends string>(record: Readonly<Record<Key, unknown>>): Key[] {
  return Object.keys(record).filter((key): key is Key => key in record);
}

const withTools = fc.boolean();
const downMs = fc.integer({ min: 0, max: 400 });

const configChange: fc.Arbitrary<Action> = fc.record({ kind: fc.constant('config' as const), policy: policyShapes });
const badConfig: fc.Arbitrary<Action> = fc.record({
  kind: fc.constant('bad config' as const),
  text: fc.constantFrom(...badConfigs),
});
/** The default config keeps other networks than every policy here. */
const vanishing: fc.Arbitrary<Action> = fc.record({
  kind: fc.constant('config vanishes' as const),
  forMs: fc.integer({ min: 20, max: 1_000 }),
});
const kill: fc.Arbitrary<Action> = fc.record({ kind: fc.constant('kill' as const), withTools, downMs });
const killAmidChange: fc.Arbitrary<Action> = fc.record({
  kind: fc.constant('kill amid a change' as const),
  policy: policyShapes,
  afterMs: fc.integer({ min: 0, max: 150 }),
  withTools,
  downMs,
});
const restart: fc.Arbitrary<Action> = fc.record({ kind: fc.constant('restart' as const), downMs });
const reload: fc.Arbitrary<Action> = fc.record({ kind: fc.constant('reload' as const) });
const toolFault: fc.Arbitrary<Action> = fc.record({
  kind: fc.constant('tool fault' as const),
  fault: fc.constantFrom(...objectKeys(toolFaults)),
  forMs: fc.integer({ min: 50, max: 2_000 }),
});
const lock: fc.Arbitrary<Action> = fc.record({
  kind: fc.constant('lock' as const),
  forMs: fc.integer({ min: 100, max: 7_000 }),
});
const deaf: fc.Arbitrary<Action> = fc.record({ kind: fc.constant('deaf' as const) });

/** What only one backend knows. */
const particular: Readonly<Record<BackendName, readonly fc.Arbitrary<Action>[]>> = {
  nft: [deaf],
  'iptables-nft': [deaf],
  'iptables-legacy': [lock],
};

function injuries(backend: BackendName, wounds: boolean): fc.Arbitrary<Action> {
  const names = Object.entries(injuriesOf[backend]).flatMap(([name, injury]) => (injury.wounds === wounds ? name : []));
  return fc.record({ kind: fc.constant('injury' as const), name: fc.constantFrom(...names) });
}

function stepOf(action: fc.Arbitrary<Action>): fc.Arbitrary<Step> {
  return fc.tuple(fc.nat({ max: stormMs }), action).map(([atMs, rest]) => ({ ...rest, atMs }));
}

function stepsOf(action: fc.Arbitrary<Action>, minLength: number, maxLength: number): fc.Arbitrary<Step[]> {
  return fc.array(stepOf(action), { minLength, maxLength, size: 'max' });
}

/** The last blow of a storm: what nobody but the agent can mend before the quiet. */
function lastBlow(injury: fc.Arbitrary<Action>): fc.Arbitrary<Step[]> {
  return injury.map((action) => [{ ...action, atMs: lastBlowMs }]);
}

function roundsOf(...parts: readonly fc.Arbitrary<Step[]>[]): fc.Arbitrary<Round> {
  const steps = fc.tuple(...parts).map((lists) => lists.flat().toSorted((one, other) => one.atMs - other.atMs));
  const udpAims = flowAims.map((aim): FlowAim => ({ ...aim, protocol: 'udp' }));
  const aims = fc.array(udpAims, { minLength: probesPerRound, maxLength: probesPerRound });
  // Without a bias towards the ends of ranges: at the begin and the end of a storm there is little to meet.
  return fc.noBias(fc.record({ steps, aims }));
}

/**
 * The rounds of a seed; a longer plan begins with the shorter one. In every other one nothing may go wrong for any
 * connection; in those between, somebody else wounds the rules, or the config vanishes.
 */
export function planRounds(backend: BackendName, seed: number, count: number): Round[] {
  const harmless = injuries(backend, false);
  const wounds = injuries(backend, true);
  const others = [badConfig, kill, reload, harmless, ...particular[backend]];
  const gentle = fc.oneof(configChange, configChange, killAmidChange, restart, toolFault, ...others);
  // Each of these happens in every run, however short.
  const always = fc.tuple(...[configChange, killAmidChange, restart, toolFault].map(stepOf));
  const calmRounds = roundsOf(always, stepsOf(gentle, 0, 6), lastBlow(harmless));
  const wound = fc.oneof(wounds, wounds, wounds, vanishing);
  const woundingRounds = roundsOf(stepsOf(gentle, 0, 6), stepsOf(wound, 0, 2), lastBlow(wounds));
  return fc.sample(fc.tuple(calmRounds, woundingRounds), { seed, numRuns: Math.ceil(count / 2) }).flat();
}
