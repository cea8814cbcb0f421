// `GET|HEAD /v2/<name>/manifests/<reference>`.
import type { Digest } from '#core/digest.ts';
import { RegistryError } from '#core/errors.ts';
import { failureAnswer } from '#core/failure.ts';
import { parseImageRequest, requestKey, type Offer } from '#core/image-request.ts';
import type { SettingsDigest } from '#core/image-settings.ts';
import type { Manifest, Manifests } from '#core/google/manifests.ts';
import type { RepositoryName, Tag } from '#core/reference.ts';
import { requireAcceptable } from './accept.ts';
import type { Answer } from './answer.ts';
import { nextHop, type Hop } from './hop.ts';
import type { Waiting } from './waiting.ts';

export interface ManifestParts {
  readonly offer: Offer;
  /** What images are made by: a part of their keys. */
  readonly settings: SettingsDigest;
  readonly manifests: Manifests;
  readonly waiting: Waiting;
}

/** By digest: what is there, at once, whatever the client says that it accepts. It never waits and never starts a build. */
export async function manifestByDigest({ manifests }: ManifestParts, digest: Digest): Promise<Answer> {
  const manifest = await manifests.read(digest);
  if (manifest === undefined) {
    throw new RegistryError(
      404,
      'MANIFEST_UNKNOWN',
      `there is no manifest ${digest}: pull by tag to have it made`,
    );
  }
  return manifestAnswer(manifest, 'public, max-age=31536000, immutable, no-transform');
}

/**
 * By tag: the image, built first where it has to be. Waits up to the hold time, then sends the client round again;
 * at the last hop the answer is final (see hop.ts). `gone` aborts when the client has left: the build goes on.
 */
export async function manifestByTag(
  { offer, settings, manifests, waiting }: ManifestParts,
  { name, tag }: { readonly name: RepositoryName; readonly tag: Tag },
  accept: string | undefined,
  hop: Hop,
  gone: AbortSignal,
): Promise<Answer> {
  const request = parseImageRequest(name, tag, offer);
  requireAcceptable(accept, name, request);
  const key = requestKey(request, settings);
  const outcome = await waiting.forImage(key, request, gone);
  switch (outcome.kind) {
    case 'ready': {
      const manifest = await manifests.read(outcome.image.digest);
      if (manifest === undefined) throw new Error(`image ${key} names a manifest that is not stored`);
      return manifestAnswer(manifest, 'no-cache, no-transform');
    }
    case 'failed':
      throw failureAnswer(outcome.build.failure);
    case 'pending':
      return nextHop(hop, await waiting.progress(request, outcome.build));
  }
}

function manifestAnswer({ digest, mediaType, bytes }: Manifest, cacheControl: string): Answer {
  return {
    status: 200,
    headers: {
      'content-type': mediaType,
      'docker-content-digest': digest,
      etag: `"${digest}"`,
      'cache-control': cacheControl,
    },
    body: bytes,
  };
}
