import * as z from 'zod';
import { cidrFault, parseCidr } from '../net/cidr.ts';
import { durationFault, parseDuration } from '../net/duration.ts';

const cidr = z.string().transform((text, context) => {
  const parsed = parseCidr(text);
  if (parsed !== undefined) return parsed;
  const { message, expected } = cidrFault(text);
  context.addIssue({ code: 'custom', message, params: { expected } });
  return z.NEVER;
});

const duration = z.string().transform((text, context) => {
  const parsed = parseDuration(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({
    code: 'custom',
    message: durationFault(text),
    params: { expected: 'a duration such as 1m0s or 30s' },
  });
  return z.NEVER;
});

/** One config file: its keys, their types and their meaning. An absent key leaves the default to the merge. */
export const configFile = z.object({
  nonMasqueradeCIDRs: z.array(cidr).optional(),
  nonMasqueradeSrcCIDRs: z.array(cidr).optional(),
  forceMasqueradeCIDRs: z.array(cidr).optional(),
  masqueradeSrcCIDRs: z.array(cidr).optional(),
  masqLinkLocal: z.boolean().optional(),
  masqLinkLocalIPv6: z.boolean().optional(),
  masqOutBound: z.boolean().optional(),
  masqOutBoundIPv6: z.boolean().optional(),
  cidrLimit: z.int().min(0).optional(),
  resyncInterval: duration.optional(),
});
