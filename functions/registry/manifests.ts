// `GET|HEAD /v2/<name>/manifests/<reference>`.
import type { IncomingHttpHeaders } from 'node:http';
import type { Digest } from '#core/digest.ts';
import { RegistryError } from '#core/errors.ts';
import { failureAnswer, type Failure } from '#core/failure.ts';
import { parseImageRequest, requestKey, type Offer } from '#core/image-request.ts';
import type { SettingsDigest } from '#core/image-settings.ts';
import { within } from '#core/google/firestore.ts';
import type { Manifest, Manifests } from '#core/google/manifests.ts';
import type { RepositoryName, Tag } from '#core/reference.ts';
import { requireAcceptable } from './accept.ts';
import type { Answer } from './answer.ts';
import { buildLogAddress } from './build-log.ts';
import type { ClientPatience } from './client-patience.ts';
import type { Hop } from './hop.ts';
import { redirectToFailure, type SendOn } from './send-on.ts';
import { LAST_READ_LIMIT_MS, type Waiting } from './waiting.ts';

export interface ManifestParts {
  readonly offer: Offer;
  /** What images are made by: a part of their keys. */
  readonly settings: SettingsDigest;
  readonly manifests: Manifests;
  readonly waiting: Waiting;
  readonly sendOn: SendOn;
  /** How long a request is held for a build. Milliseconds. */
  readonly holdMs: Readonly<Record<ClientPatience['hold'], number>>;
}

/** Who asks, and how often it has been sent on. */
export interface AskingClient {
  readonly hop: Hop;
  readonly client: ClientPatience;
  readonly headers: IncomingHttpHeaders;
  /** Aborted when it has left: what it waited for goes on. */
  readonly gone: AbortSignal;
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
 * By tag: the image, built first where it has to be. Waits for as long as the client can, then sends it round again; at the
 * last hop the answer is final (send-on.ts).
 */
export async function manifestByTag(
  { offer, settings, manifests, waiting, sendOn, holdMs }: ManifestParts,
  { name, tag }: { readonly name: RepositoryName; readonly tag: Tag },
  { hop, client, headers, gone }: AskingClient,
): Promise<Answer> {
  const request = parseImageRequest(name, tag, offer);
  requireAcceptable(headers.accept, name, request);
  const key = requestKey(request, settings);
  const outcome = await waiting.forImage(key, request, holdMs[client.hold], gone);
  switch (outcome.kind) {
    case 'ready': {
      const manifest = await within(LAST_READ_LIMIT_MS, manifests.read(outcome.image.digest));
      if (manifest === undefined) throw new Error(`image ${key} names a manifest that is not stored`);
      return manifestAnswer(manifest, 'no-cache, no-transform');
    }
    case 'failed':
      return failed(outcome.build.failure, { hop, client, headers });
    case 'pending':
      return sendOn.withPhase(hop, client, await waiting.progress(request, outcome.build));
  }
}

/** Throws the reason, or has a client whose person sees no more than an address ask for it at one that tells. */
function failed(failure: Failure, { hop, client, headers }: Omit<AskingClient, 'gone'>): Answer {
  const { message, logId } = failure;
  const answer = failureAnswer(failure, logId === undefined ? undefined : buildLogAddress(logId, headers));
  // Of what does not exist such a client says so itself, without an address.
  const address =
    client.shows === 'address' && answer.status !== 404 ? redirectToFailure(hop, message, logId) : undefined;
  if (address === undefined) throw answer;
  return address;
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
