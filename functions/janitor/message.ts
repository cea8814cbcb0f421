// What the topic "maintenance" carries: `{}`, or `{"dryRun": true}` as the data or as an attribute of the message. It says
// when, not what: anything else has everything swept as well.
import { z } from 'zod';

/** Of the event that Pub/Sub's messages come in (`MessagePublishedData`), what is read here. */
const eventSchema = z.object({
  message: z.object({
    data: z.string().default(''),
    attributes: z.record(z.string(), z.unknown()).nullish(),
  }),
});

const wishSchema = z.object({ dryRun: z.unknown() });

/** Whether an event asks for a dry run: where it says something of one that is not a plain no, it does. */
export function asksForDryRun(event: unknown): boolean {
  const { message } = eventSchema.safeParse(event).data ?? {};
  if (message === undefined) return false;
  const data = jsonOf(Buffer.from(message.data, 'base64').toString());
  return [data, message.attributes].some(wish => {
    const { dryRun } = wishSchema.safeParse(wish).data ?? {};
    return ![undefined, null, false, 'false'].some(no => no === dryRun);
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Whoever publishes by hand may write anything.
    return undefined;
  }
}
