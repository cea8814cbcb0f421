import { digestOf } from '#core/digest.ts';
import { MEDIA_TYPES } from '#core/oci.ts';
import type { Published } from '#core/google/images.ts';

/** What a worker publishes, with a manifest whose bytes are this text. */
export function published(text: string): Published {
  const bytes = Buffer.from(text);
  return { manifest: { digest: digestOf(bytes), mediaType: MEDIA_TYPES.manifest, bytes }, revision: 'r1' };
}
