// What is said to a program that is to die at a step.
import { z } from 'zod';

export const crashMessageSchema = z.object({
  type: z.literal('crash'),
  /** Steps as steps.ts words them, each by some of its words, in the order in which they are to happen: the last one kills. */
  steps: z.array(z.string()).min(1),
});

export type CrashMessage = z.infer<typeof crashMessageSchema>;

/** Printed once the program knows. */
export const SET_LINE = 'the crash point is set';
