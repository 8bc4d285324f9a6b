import type { Answer as Record } from 'dns-packet';
import { z } from 'zod';
import type { Zone } from './dns-server.ts';

/** What a name has: records, or how questions about it fail. */
const node = z.union([
  z.enum(['NXDOMAIN', 'SERVFAIL', 'silence']),
  z.object({
    ttl: z.number().optional(),
    A: z.array(z.string()).optional(),
    AAAA: z.array(z.string()).optional(),
    CNAME: z.string().optional(),
  }),
]);

/** A zone as plain data. Of names that are not in it, there are none. */
export const staticZone = z.record(z.string(), node);

export type StaticZone = z.infer<typeof staticZone>;

/** How the zone answers; chains of CNAMEs are followed, as a recursive server does. */
export function zoneOf(zone: StaticZone, name: string, type: string): ReturnType<Zone> {
  const found = zone[name] ?? 'NXDOMAIN';
  if (typeof found === 'string') return found;
  const { ttl = 1, CNAME: alias } = found;
  if (alias !== undefined) {
    const rest = zoneOf(zone, alias, type);
    return typeof rest === 'string' ? rest : [{ type: 'CNAME', name, ttl, data: alias }, ...rest];
  }
  const own: Record[] = [];
  if (type === 'A') own.push(...(found.A ?? []).map((data) => ({ type: 'A' as const, name, ttl, data })));
  if (type === 'AAAA') own.push(...(found.AAAA ?? []).map((data) => ({ type: 'AAAA' as const, name, ttl, data })));
  return own;
}
