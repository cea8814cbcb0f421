// Preloaded into a program (`node --import`): kills it, as signal 9 does, at the very moment of a step that can be seen
// from outside. The program's own code knows nothing of it; whoever started it says where by a message.
import { crashMessageSchema, SET_LINE } from './crash-message.ts';
import { watchSteps } from './steps.ts';

/** The steps that are still to come. */
let ahead: readonly string[] = [];

function isNext(step: string): boolean {
  const [next] = ahead;
  return next !== undefined && next.split(' ').every(word => step.includes(word));
}

watchSteps(step => {
  if (!isNext(step)) return;
  ahead = ahead.slice(1);
  if (ahead.length === 0) process.kill(process.pid, 'SIGKILL');
});

process.on('message', message => {
  const parsed = crashMessageSchema.safeParse(message);
  if (!parsed.success) return;
  ahead = parsed.data.steps;
  process.stderr.write(`${SET_LINE}\n`);
});
// The channel is no reason to stay.
process.channel?.unref();
