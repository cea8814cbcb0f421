// What a pull is answered, and what has to be set going for it: a pure function of the documents and the server's time.
import type { AskedBuild, CurrentImage, FailedBuild, ImageDocument } from './image-document.ts';
import { isOverFailureLimit } from './image-life.ts';
import type { SettingsDigest } from './image-settings.ts';
import { isFresh, isPinned, type ResolvedRevision, type SourceDocument } from './source-document.ts';

/** How long a failure that another try may get past is the answer, in milliseconds: a retry loop costs nothing. */
export const FAILURE_HOLD_MS = 60_000;

export interface PullPolicy {
  /** What images are made by: a part of their keys. */
  readonly settings: SettingsDigest;
  /** For how long a source's revision is gone by without asking again. Milliseconds. */
  readonly freshMs: number;
  /** For how long an image is served after its source has moved on. Milliseconds. */
  readonly staleMs: number;
}

type Ages = Pick<PullPolicy, 'freshMs' | 'staleMs'>;

/** What a pull sets going, besides its answer: a look at the source, or a build of the image at its new revision. */
export type Follow = 'nothing' | 'check-source' | 'refresh';

export type PullDecision =
  | { readonly kind: 'ready'; readonly image: CurrentImage; readonly follow: Follow }
  | { readonly kind: 'failed'; readonly build: FailedBuild; readonly follow: Follow }
  /** Wait. `raise`: nobody waited for this build so far. */
  | { readonly kind: 'pending'; readonly build: AskedBuild; readonly raise: boolean }
  /** There is nothing to wait for: the build has to be queued first. */
  | { readonly kind: 'unasked' };

/** How the documents of an image and its source answer a pull at `now` (server time, milliseconds). */
export function decidePull(
  image: ImageDocument | undefined,
  source: SourceDocument | undefined,
  policy: Ages,
  now: number,
): PullDecision {
  if (image === undefined) return { kind: 'unasked' };
  const { current, build } = image;
  const resolved = source?.resolved;
  const known = current === undefined ? resolved : latestKnown(current, resolved);
  const pinned = isPinned(image.request);
  const checkSource = !pinned && !isFresh(known, now, policy.freshMs);
  const failureStands = build.state === 'failed' && failureHolds(image, build, known, now);

  if (current !== undefined && (pinned || isServable(current, resolved, policy, now))) {
    const isIdle = build.state === 'none' || (build.state === 'failed' && !failureStands);
    const isOutdated = current.revision !== known?.revision;
    const follow = checkSource ? 'check-source' : isIdle && isOutdated ? 'refresh' : 'nothing';
    return { kind: 'ready', image: current, follow };
  }
  switch (build.state) {
    case 'queued':
    case 'building':
    case 'waiting':
      return { kind: 'pending', build, raise: build.by === 'refresh' };
    case 'failed':
      return failureStands
        ? { kind: 'failed', build, follow: checkSource ? 'check-source' : 'nothing' }
        : { kind: 'unasked' };
    case 'none':
      return { kind: 'unasked' };
  }
}

type Known = Pick<ResolvedRevision, 'revision' | 'checkedAt' | 'earlier'>;

/** What is known last of the source: by its document, or by an image that was made from a later look. */
function latestKnown({ revision, checkedAt }: CurrentImage, resolved: ResolvedRevision | undefined): Known {
  if (resolved !== undefined && resolved.checkedAt >= checkedAt) return resolved;
  return { revision, checkedAt, earlier: [] };
}

/** What is up to date is served; what is not, for as long as the policy allows after the source moved. */
function isServable(
  current: CurrentImage,
  resolved: ResolvedRevision | undefined,
  policy: Ages,
  now: number,
): boolean {
  if (now - current.builtAt < policy.staleMs) return true;
  const known = latestKnown(current, resolved);
  // A source that could not be looked at for long may have moved the moment after the last look.
  const staleSince =
    known.revision === current.revision ? known.checkedAt + policy.freshMs : leftAt(known, current);
  return now - staleSince < policy.staleMs;
}

/** When the source was first seen to have left an image's revision: longer ago than anything where that is forgotten. */
function leftAt({ earlier }: Known, { revision }: CurrentImage): number {
  return earlier.find(left => left.revision === revision)?.leftAt ?? Number.NEGATIVE_INFINITY;
}

/**
 * Whether a failure is still the answer: a refusal for as long as its revision is the source's, others for a while; and
 * any but a refusal of another revision when too many builds failed already. `known`: where the source was seen last.
 */
export function failureHolds(
  image: ImageDocument,
  { failure, revision, failedAt }: FailedBuild,
  known: Pick<ResolvedRevision, 'revision'> | undefined,
  now: number,
): boolean {
  const isRefusal = failure.kind === 'refused' || failure.kind === 'unknown_package';
  if (isRefusal && revision !== undefined) return known === undefined || known.revision === revision;
  return now - failedAt < FAILURE_HOLD_MS || isOverFailureLimit(image, now);
}
