import { z } from 'zod';

/** What the launcher's process is told: a command line to run. */
export const launchOrder = z.object({ order: z.number(), command: z.array(z.string()) });

export type LaunchOrder = z.infer<typeof launchOrder>;

/** What it tells; `at` is on the shared clock. The order is 0 for `ready`. */
export const launchReport = z.object({
  order: z.number(),
  kind: z.enum(['ready', 'started', 'exited']),
  pid: z.number(),
  at: z.number(),
});

export type LaunchReport = z.infer<typeof launchReport>;
