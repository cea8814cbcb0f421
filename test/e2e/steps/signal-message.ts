// What is said to a program that is to get a signal at a step.
import { z } from 'zod';

export const signalMessageSchema = z.object({
  type: z.literal('signal-at'),
  signal: z.enum(['SIGKILL', 'SIGSTOP', 'SIGTERM']),
  /** Steps as watch-steps.ts words them, each by some of its words, in the order in which they are to happen. */
  steps: z.array(z.string()).min(1),
});

export type SignalMessage = z.infer<typeof signalMessageSchema>;

/** Printed once the program knows. */
export const SET_LINE = 'the signal’s step is set';

/** Printed right before the signal. */
export const COME_LINE = 'the signal’s step has come';
