// What a manifest's document names.
import { z } from 'zod';
import type { Plain } from '../commits.ts';

const descriptor = z.object({ digest: z.string(), size: z.number() });
const schema = z.object({
  config: descriptor.optional(),
  layers: z.array(descriptor).default([]),
  manifests: z.array(descriptor).default([]),
});

export interface Named {
  /** Config and layers. */
  readonly blobs: readonly { readonly digest: string; readonly size: number }[];
  /** Of an index: its manifests. */
  readonly children: readonly string[];
}

/** By its bytes, which are what clients see; as base 64, or as they are. */
export function namedBy(manifest: Plain): Named {
  const bytes = manifest['bytes'];
  const text = (
    typeof bytes === 'string' ? Buffer.from(bytes, 'base64') : Buffer.from(bytes as Uint8Array)
  ).toString();
  const { config, layers, manifests } = schema.parse(JSON.parse(text));
  return {
    blobs: [...(config === undefined ? [] : [config]), ...layers],
    children: manifests.map(({ digest }) => digest),
  };
}
