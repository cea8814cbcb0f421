// What a pull is answered, and what has to be set going for it: a pure function of the documents and the server's time.
import type { AskedBuild, CurrentImage, FailedBuild, ImageDocument } from './image-document.ts';
import { isAbandoned, isOverFailureLimit } from './image-life.ts';
import type { SettingsDigest } from './image-settings.ts';
import { isFresh, isPinned, type ResolvedRevision, type SourceDocument } from './source-document.ts';

/** How long a failure that another try may get past is the answer, in milliseconds: a retry loop costs nothing. */
export const FAILURE_HOLD_MS = 60_000;

export interface PullPolicy {
  readonly settings: SettingsDigest;
  /** For how long a source's revision is gone by without asking again. Milliseconds. */
  readonly freshMs: number;
  /** For how long an image is served after its source has moved on. Milliseconds. */
  readonly staleMs: number;
}

/** What a pull sets going, besides its answer: a look at the source, or a build of the image at its new revision. */
export type Follow = 'nothing' | 'check-source' | 'refresh';

export type PullDecision =
  | { readonly kind: 'ready'; readonly image: CurrentImage; readonly follow: Follow }
  | { readonly kind: 'failed'; readonly build: FailedBuild; readonly follow: Follow }
  /** Wait. `raise`: nobody waited for this build so far. */
  | { readonly kind: 'pending'; readonly build: AskedBuild; readonly raise: boolean }
  /** There is nothing to wait for, or nobody who would make it: the build has to be queued first. */
  | { readonly kind: 'unasked' };

/** How the documents of an image and its source answer a pull at `now` (server time, milliseconds). */
export function decidePull(
  image: ImageDocument | undefined,
  source: SourceDocument | undefined,
  policy: PullPolicy,
  now: number,
): PullDecision {
  if (image === undefined) return { kind: 'unasked' };
  const { current, build } = image;
  const resolved = source?.resolved;
  const known = current === undefined ? resolved : latestKnown(current, resolved);
  const pinned = isPinned(image.request);
  const checkSource = !pinned && !isFresh(known, now, policy.freshMs);
  const failureHolds = build.state === 'failed' && holds(image, build, known, policy, now);

  if (current !== undefined && (pinned || isServable(current, resolved, policy, now))) {
    const isIdle = build.state === 'failed' ? !failureHolds : !isUnderWay(build, policy, now);
    const isOutdated = current.settings !== policy.settings || current.revision !== known?.revision;
    const follow = checkSource ? 'check-source' : isIdle && isOutdated ? 'refresh' : 'nothing';
    return { kind: 'ready', image: current, follow };
  }
  switch (build.state) {
    case 'queued':
    case 'building':
      return isUnderWay(build, policy, now)
        ? { kind: 'pending', build, raise: build.by === 'refresh' }
        : { kind: 'unasked' };
    case 'failed':
      return failureHolds
        ? { kind: 'failed', build, follow: checkSource ? 'check-source' : 'nothing' }
        : { kind: 'unasked' };
    case 'none':
      return { kind: 'unasked' };
  }
}

/** Whether there is a build that somebody will make. */
function isUnderWay(
  build: AskedBuild | { readonly state: 'none' },
  { settings }: PullPolicy,
  now: number,
): boolean {
  return build.state !== 'none' && !isAbandoned(build, settings, now);
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
  policy: PullPolicy,
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
 * Whether a failure is still the answer: a refusal for as long as its revision is the source's, others for a while, both
 * only under the settings that they were met with; and any of them when too many builds failed already.
 */
function holds(
  image: ImageDocument,
  build: FailedBuild,
  known: Known | undefined,
  { settings }: PullPolicy,
  now: number,
): boolean {
  const { kind } = build.failure;
  const isSameSettings = build.settings === settings;
  if ((kind === 'refused' || kind === 'unknown_package') && build.revision !== undefined) {
    if (known !== undefined && known.revision !== build.revision) return false;
    if (isSameSettings) return true;
  } else if (isSameSettings && now - build.failedAt < FAILURE_HOLD_MS) {
    return true;
  }
  return isOverFailureLimit(image, now);
}
