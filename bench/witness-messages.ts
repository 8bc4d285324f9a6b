import { z } from 'zod';
import { toggledNetwork } from './config-texts.ts';

/** The networks that the witness connects to. Each has a port of its own, by which the receiver tells them apart. */
export const flows = [
  { name: 'outside', network: '203.0.0.0/16', port: 4001 },
  { name: 'toggled', network: toggledNetwork, port: 4002 },
] as const;

export type FlowName = (typeof flows)[number]['name'];

/** A change of what becomes of new connections; `at` is on the shared clock. */
export const changeMessage = z.object({
  flow: z.enum(['outside', 'toggled']),
  verdict: z.enum(['keep', 'masquerade']),
  at: z.number(),
});

export type Change = z.infer<typeof changeMessage>;
export type Verdict = Change['verdict'];
