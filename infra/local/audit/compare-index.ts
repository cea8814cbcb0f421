// Whether an index says no more and no less than that these are its images.
import type { Manifest } from '#core/google/manifests.ts';
import type { ImageRequest } from '#core/image-request.ts';
import { writeIndex } from '#core/oci.ts';
import { byCodeUnits } from '#core/order.ts';
import { labelsOf } from '#worker/image/labels.ts';
import { differencesOf } from './compare-documents.ts';
import type { Difference } from './compare-images.ts';
import type { ServedImage } from './served-image.ts';

/** What differs from the index that would be written for these images; nothing where that has the same digest. */
export function compareIndex(
  index: Manifest,
  request: ImageRequest,
  images: readonly ServedImage[],
): { readonly digest: string; readonly differences: Difference[] } {
  const revision = images[0]?.revision ?? '';
  const listed = images
    .map(({ request: { platforms }, digest, size }) => ({ platform: platforms[0], digest, size }))
    .toSorted((a, b) => byCodeUnits(a.platform, b.platform));
  const written = writeIndex(listed, labelsOf(request, revision));
  if (written.digest === index.digest) return { digest: written.digest, differences: [] };
  const [served, expected] = [index, written].map(({ bytes }): unknown =>
    JSON.parse(Buffer.from(bytes).toString()),
  );
  const details = differencesOf(served, expected, 'index');
  return { digest: written.digest, differences: [{ what: 'the index', details }] };
}
