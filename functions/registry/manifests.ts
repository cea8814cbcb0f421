// `GET|HEAD /v2/<name>/manifests/<reference>`.
import type { Digest } from '#core/digest.ts';
import { RegistryError, TransientError } from '#core/errors.ts';
import { failureAnswer, type Failure } from '#core/failure.ts';
import type { Offer } from '#core/image-request.ts';
import { READ_LIMIT_MS, within } from '#core/google/firestore.ts';
import type { Manifest, Manifests } from '#core/google/manifests.ts';
import type { RepositoryName, Tag } from '#core/reference.ts';
import { requireAcceptable } from './accept.ts';
import type { Answer } from './answer.ts';
import type { AskingClient } from './asking-client.ts';
import { buildLogAddress } from './build-log.ts';
import type { Caller } from './caller.ts';
import type { ClientPatience } from './client-patience.ts';
import type { LastUses } from './last-uses.ts';
import type { AdmittedPull, Admit } from './limits/admission.ts';
import { redirectToFailure, type SendOn } from './send-on.ts';
import { LAST_READ_LIMIT_MS, type Waiting } from './waiting.ts';
import type { WantedImage, WantImage } from './wanted-images.ts';

export interface ManifestParts {
  readonly offer: Offer;
  readonly wantImage: WantImage;
  readonly manifests: Manifests;
  readonly admit: Admit;
  readonly lastUses: LastUses;
  readonly waiting: Waiting;
  readonly sendOn: SendOn;
  /** How long a request is held for a build. Milliseconds. */
  readonly holdMs: Readonly<Record<ClientPatience['hold'], number>>;
}

/**
 * By digest: what is there, at once, whatever the client says that it accepts. It never waits and never starts a build, so that it
 * costs no more than a blob, and counts as little: a pull by tag asks for up to three digests behind it.
 */
export function manifestByDigest(
  { manifests, lastUses }: ManifestParts,
  digest: Digest,
): Answer | Promise<Answer> {
  const answer = (manifest: Manifest | undefined): Answer => {
    if (manifest === undefined) {
      throw new RegistryError(
        404,
        'MANIFEST_UNKNOWN',
        `there is no manifest ${digest}: pull by tag to have it made`,
      );
    }
    lastUses.manifest(digest);
    return manifestAnswer(manifest, 'public, max-age=31536000, immutable, no-transform');
  };
  const kept = manifests.kept(digest);
  return kept === undefined ? within(READ_LIMIT_MS, manifests.read(digest)).then(answer) : answer(kept);
}

/** By tag: the image. From memory where it was ready a moment ago, otherwise in time (below). It counts as a pull of the caller's. */
export function manifestByTag(
  parts: ManifestParts,
  { name, tag }: { readonly name: RepositoryName; readonly tag: Tag },
  asking: AskingClient,
  caller: Caller,
): Answer | Promise<Answer> {
  const { wantImage, manifests, admit, waiting } = parts;
  const wanted = wantImage(name, tag);
  requireAcceptable(asking.headers.accept, name, wanted.request);
  const pull = admit(caller, asking.hop);
  const ready = waiting.atHand(wanted.key, wanted.request);
  const manifest = ready && manifests.kept(ready.image.digest);
  return manifest === undefined ? builtByTag(parts, wanted, asking, pull) : taggedAnswer(manifest);
}

/**
 * The image, built first where it has to be. Waits for as long as the client can, then sends it round again; at the last hop
 * the answer is final (send-on.ts). What is ready and has no manifest any more is made again.
 */
async function builtByTag(
  { manifests, waiting, sendOn, holdMs }: ManifestParts,
  { key, request }: WantedImage,
  asking: AskingClient,
  pull: AdmittedPull,
): Promise<Answer> {
  const { hop, patience, gone } = asking;
  const until = performance.now() + holdMs[patience.hold];
  for (let missing = 0; missing < MISSING_LIMIT; missing += 1) {
    const leftMs = Math.max(0, until - performance.now());
    const outcome = await waiting.forImage(key, request, { pull, holdMs: leftMs, gone });
    if (outcome.kind === 'failed') return failed(outcome.build.failure, asking);
    if (outcome.kind === 'pending') {
      return sendOn.withPhase(hop, patience, await waiting.progress(request, outcome.build));
    }
    const { digest } = outcome.image;
    const manifest = await within(LAST_READ_LIMIT_MS, manifests.read(digest));
    if (manifest !== undefined) return taggedAnswer(manifest);
    await waiting.forgetMissing(key, request, digest);
  }
  throw new TransientError(`image ${key} names manifests that are not stored`);
}

/** Images that one request finds without their manifest, each of which is made again, before it is told to come back. */
const MISSING_LIMIT = 2;

/** Throws the reason, or has a client whose person sees no more than an address ask for it at one that tells. */
function failed(failure: Failure, { hop, patience, headers }: AskingClient): Answer {
  const { message, logId } = failure;
  const answer = failureAnswer(failure, logId === undefined ? undefined : buildLogAddress(logId, headers));
  // Of what does not exist such a client says so itself, without an address.
  const address =
    patience.shows === 'address' && answer.status !== 404
      ? redirectToFailure(hop, message, logId)
      : undefined;
  if (address === undefined) throw answer;
  return address;
}

function taggedAnswer(manifest: Manifest): Answer {
  return manifestAnswer(manifest, 'no-cache, no-transform');
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
