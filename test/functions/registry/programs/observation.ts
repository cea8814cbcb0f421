// What a framework process under observation is told, and what it tells.
import { z } from 'zod';

export const faultSchema = z.object({ fault: z.enum(['rejection', 'exception']) });
export type Fault = z.infer<typeof faultSchema>['fault'];

export const observationSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('listening'), port: z.number() }),
  /** How many requests have come so far. */
  z.object({ type: z.literal('received'), count: z.number() }),
]);
export type Observation = z.infer<typeof observationSchema>;
