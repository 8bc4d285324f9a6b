import { z } from 'zod';

/** The port that every endpoint listens on, UDP and TCP, for every address. */
export const listenPort = 7777;

/** One connection to be tried; the number is unique within the test bed. */
const attempt = z.object({ id: z.number(), source: z.string(), destination: z.string() });

/** What the test tells an endpoint to do. */
export const orderSchema = z.object({ protocol: z.enum(['udp', 'tcp']), attempts: z.array(attempt) });

const place = { id: z.number(), address: z.string(), port: z.number() };
const placeSchema = z.object(place);

/** What an endpoint tells the test. */
export const reportSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready') }),
  /** First packets left from these addresses and ports. */
  z.object({ kind: z.literal('sent'), attempts: z.array(placeSchema) }),
  /** A destination saw packets come from these addresses and ports. */
  z.object({ kind: z.literal('seen'), attempts: z.array(placeSchema) }),
  /** The attempt could not even be made, or was refused. */
  z.object({ kind: z.literal('failed'), id: z.number(), reason: z.string() }),
]);

export type Attempt = z.infer<typeof attempt>;
export type Order = z.infer<typeof orderSchema>;
export type Place = z.infer<typeof placeSchema>;
export type Report = z.infer<typeof reportSchema>;
