// A manifest such as a middling image has, for servers that are measured with it.
import { createHash } from 'node:crypto';
import { MEDIA_TYPES } from '#core/oci.ts';

const LAYERS = 60;

/** Sixty layers, some 9 kB. */
export const READY_MANIFEST = JSON.stringify({
  schemaVersion: 2,
  mediaType: MEDIA_TYPES.manifest,
  config: descriptor('application/vnd.oci.image.config.v1+json', 'config'),
  layers: Array.from({ length: LAYERS }, (_, index) =>
    descriptor('application/vnd.oci.image.layer.v1.tar+gzip', `layer ${index}`),
  ),
});

function descriptor(mediaType: string, content: string) {
  const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
  return { mediaType, digest, size: 1_234_567 };
}
