// `GET|HEAD /v2/<name>/referrers/<digest>`: what points at a manifest (distribution-spec, "Listing Referrers").
import { MEDIA_TYPES } from '#core/oci.ts';
import type { Answer } from './answer.ts';

/**
 * An index of the manifests whose subject is another one. Nothing is made here that has a subject, and nothing can be pushed, so
 * it is empty for every digest, known or not; it is so too for each `artifactType` that a client filters by.
 */
export function referrers(query: URLSearchParams): Answer {
  return {
    status: 200,
    headers: {
      'content-type': MEDIA_TYPES.index,
      'cache-control': 'no-cache, no-transform',
      ...(query.has('artifactType') && { 'oci-filters-applied': 'artifactType' }),
    },
    body: JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: [] }),
  };
}
