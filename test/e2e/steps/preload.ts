// Preloaded into a program (`node --import`): sends it a signal at the very moment of a step that can be seen from
// outside. The program's own code knows nothing of it; whoever started it says where by a message.
import { COME_LINE, SET_LINE, signalMessageSchema, type SignalMessage } from './signal-message.ts';
import { watchSteps } from './watch-steps.ts';

/** The signal, and the steps that are still to come before it. */
let wanted: Pick<SignalMessage, 'signal' | 'steps'> | undefined;

watchSteps(step => {
  if (wanted === undefined) return;
  const { signal, steps } = wanted;
  const [next = '', ...rest] = steps;
  if (!next.split(' ').every(word => step.includes(word))) return;
  wanted = rest.length === 0 ? undefined : { signal, steps: rest };
  if (rest.length > 0) return;
  process.stderr.write(`${COME_LINE}\n`);
  process.kill(process.pid, signal);
});

process.on('message', message => {
  const parsed = signalMessageSchema.safeParse(message);
  if (!parsed.success) return;
  wanted = parsed.data;
  process.stderr.write(`${SET_LINE}\n`);
});
// The channel is no reason to stay.
process.channel?.unref();
