// The documents of an image, as they are served.
import { z } from 'zod';
import { digestSchema } from '#core/digest.ts';
import { MEDIA_TYPES } from '#core/oci.ts';

const descriptor = z.looseObject({ mediaType: z.string(), digest: digestSchema });

const manifestSchema = z.looseObject({
  config: descriptor,
  layers: z.array(descriptor),
  annotations: z.record(z.string(), z.string()).default({}),
});

const indexSchema = z.looseObject({ manifests: z.array(descriptor) });

const configSchema = z.looseObject({
  architecture: z.string(),
  rootfs: z.looseObject({ type: z.string(), diff_ids: z.array(z.string()) }),
  history: z.array(z.looseObject({ created_by: z.string().default('') })).default([]),
});

export type ImageManifestDocument = z.infer<typeof manifestSchema>;
export type ImageConfigDocument = z.infer<typeof configSchema>;

export function parseManifest(bytes: Uint8Array): ImageManifestDocument {
  return manifestSchema.parse(parseJson(bytes));
}

export function parseConfig(bytes: Uint8Array): ImageConfigDocument {
  return configSchema.parse(parseJson(bytes));
}

/** The manifests of an index; undefined where it is no index. */
export function childrenOf(mediaType: string, bytes: Uint8Array) {
  return mediaType === MEDIA_TYPES.index ? indexSchema.parse(parseJson(bytes)).manifests : undefined;
}

function parseJson(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes).toString());
}
