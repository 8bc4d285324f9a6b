import { once } from 'node:events';
import { z } from 'zod';
import { forkInside } from '../../test/kernel/harness/endpoint/endpoint.ts';
import { type Figure, figureOf } from '../figures.ts';
import type { Measurement } from '../measurement.ts';
import { Site } from '../site.ts';

const program = new URL('apply-process.ts', import.meta.url);

const backends = ['nft', 'iptables-nft', 'iptables-legacy', 're-created nft table'] as const;
const timings = z.array(z.number());

/** How long a change of one CIDR takes by the size of the policy, in every backend. */
export const measureApply: Measurement = async ({ quick }) => {
  const sizes = quick ? [10, 10_000] : [10, 1_000, 10_000, 100_000];
  const figures: Figure[] = [];
  for (const cidrs of sizes) {
    for (const backend of backends) {
      // A hundred thousand rules in a row are nobody's setting.
      if (cidrs === 100_000 && backend.startsWith('iptables')) continue;
      const samples = await applyTimes(backend, cidrs, quick || cidrs > 10_000 ? 5 : 15);
      figures.push(figureOf(samples, { subject: backend, cidrs, quantity: 'apply', unit: 'ms' }));
    }
  }
  const median = (backend: string): number =>
    figures.find(({ subject, cidrs }) => subject === backend && cidrs === 10_000)?.median ?? Number.NaN;
  return {
    title: 'Apply',
    method:
      'One apply() of a policy with one CIDR changed, reading back included, in a process that has done it before. For comparison: the same policy as one transaction that deletes the table and makes it anew, which is not hitless, without reading back.',
    figures,
    goals: [
      {
        name: 'hitless change / re-created table, 10,000 CIDRs',
        value: median('nft') / median('re-created nft table'),
        unit: '×',
        better: 'lower',
      },
    ],
  };
};

async function applyTimes(backend: (typeof backends)[number], cidrs: number, rounds: number): Promise<number[]> {
  const site = await Site.create();
  try {
    const child = forkInside(site.namespace, program, backend, String(cidrs), String(rounds));
    const [message] = await once(child, 'message');
    return timings.parse(message);
  } finally {
    await site.close();
  }
}
