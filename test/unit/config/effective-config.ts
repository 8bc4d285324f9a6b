import * as z from 'zod';
import { parseCidr } from '../../../src/net/cidr.ts';

/** An effective config by upstream's keys. */
export const effectiveConfig = z.object({
  nonMasqueradeCIDRs: z.array(z.string()).nullable(),
  cidrLimit: z.number(),
  masqLinkLocal: z.boolean(),
  masqLinkLocalIPv6: z.boolean(),
  resyncInterval: z.string(),
});

/** CIDRs compare by value, since upstream echoes them as typed; its nil list is an empty one. */
export function comparable(config: z.output<typeof effectiveConfig>) {
  return {
    ...config,
    nonMasqueradeCIDRs: (config.nonMasqueradeCIDRs ?? []).map((text) => parseCidr(text)?.text ?? text),
  };
}
