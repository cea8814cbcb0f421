// The message that wakes a worker: it names a document, and the document is the truth.
import { z } from 'zod';
import { requestKeySchema } from './image-request.ts';

const HINT_VERSION = 1;

export const hintSchema = z.object({ version: z.literal(HINT_VERSION), key: requestKeySchema });

export type Hint = z.infer<typeof hintSchema>;

export function encodeHint(key: Hint['key']): Buffer {
  return Buffer.from(JSON.stringify({ version: HINT_VERSION, key } satisfies Hint));
}

/** Undefined for what is no hint of a version this code knows. */
export function decodeHint(data: Uint8Array): Hint | undefined {
  try {
    return hintSchema.safeParse(JSON.parse(Buffer.from(data).toString('utf8'))).data;
  } catch {
    return undefined;
  }
}
