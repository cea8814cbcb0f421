import { digestOf } from '#core/digest.ts';
import { MEDIA_TYPES } from '#core/oci.ts';
import type { Published } from '#core/google/image-holding.ts';

/** What a worker publishes, with a manifest whose bytes are this text, and which names no blobs; made at `r1`, which the source was seen at just now. */
export function published(text: string, made: Partial<Omit<Published, 'manifest'>> = {}): Published {
  const bytes = Buffer.from(text);
  const manifest = { digest: digestOf(bytes), mediaType: MEDIA_TYPES.manifest, bytes, blobs: [] };
  return { manifest, revision: 'r1', checkedAt: Date.now(), ...made };
}
