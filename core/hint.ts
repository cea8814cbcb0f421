// The message that wakes a worker: it names a document, and the document is the truth.
import { z } from 'zod';
import { requestKeySchema } from './image-request.ts';
import { sourceKeySchema } from './source-document.ts';

const version = z.literal(1);

const hintSchema = z.discriminatedUnion('look', [
  /** There is a build to claim. */
  z.object({ version, look: z.literal('image'), key: requestKeySchema }),
  /** There is a source whose revision is not known to be the present one. */
  z.object({ version, look: z.literal('source'), key: sourceKeySchema }),
]);

export type Hint = z.infer<typeof hintSchema>;

/** What a hint names. */
export type HintTarget =
  | Pick<Extract<Hint, { look: 'image' }>, 'look' | 'key'>
  | Pick<Extract<Hint, { look: 'source' }>, 'look' | 'key'>;

export function encodeHint(target: HintTarget): Buffer {
  return Buffer.from(JSON.stringify({ version: version.value, ...target }));
}

/** Undefined for what is no hint of a version this code knows. */
export function decodeHint(data: Uint8Array): Hint | undefined {
  try {
    return hintSchema.safeParse(JSON.parse(Buffer.from(data).toString('utf8'))).data;
  } catch {
    return undefined;
  }
}
