// An image's life: every transition, as a pure function from a document to the next one. What may not follow is
// undefined. core/google/images.ts runs them in transactions; times are the server's, in milliseconds.
import type { Digest } from './digest.ts';
import { LOG_LIMIT, type Failure } from './failure.ts';
import {
  askedBuild,
  type AskedBuild,
  type Build,
  type CurrentImage,
  type ImageDocument,
  type Phase,
  type Priority,
} from './image-document.ts';
import type { ImageRequest, RequestKey } from './image-request.ts';
import type { SettingsDigest } from './image-settings.ts';
import { usedOnceMore } from './recent-uses.ts';

/** How long a build may stay unclaimed before whoever waits sends the hint again, in milliseconds. */
export const UNCLAIMED_MS = 10_000;

/** Attempts that may end without an outcome before the build is given up. */
export const ATTEMPT_LIMIT = 5;

/** Failed builds an hour after which an image's failure is the answer until there are fewer. */
export const FAILURES_PER_HOUR = 5;
export const HOUR_MS = 3_600_000;

/** What is asked for, under which settings, and for whom. */
export interface Asking {
  readonly request: ImageRequest;
  readonly settings: SettingsDigest;
  readonly by: Priority;
}

/** A build is asked for where none is under way: of a new image, of a stale one, or after a failure. */
export function queue(
  document: ImageDocument | undefined,
  { request, settings, by }: Asking,
  now: number,
): ImageDocument | undefined {
  if (askedBuild(document) !== undefined) return undefined;
  return { ...document, request, settings, build: { state: 'queued', by, queuedAt: now, attempts: 0 } };
}

/** Someone waits now for a build that nobody waited for. */
export function raise(document: ImageDocument | undefined): ImageDocument | undefined {
  const build = askedBuild(document);
  return document && build?.by === 'refresh' ? { ...document, build: { ...build, by: 'pull' } } : undefined;
}

/** What a worker has claimed. */
export type ClaimedImage = ImageDocument & { readonly build: Extract<Build, { state: 'building' }> };

export type Claim =
  | { readonly kind: 'claimed'; readonly document: ClaimedImage }
  /** The tries are spent: the document has become a failure, which ends the wait of these indexes. */
  | { readonly kind: 'given-up'; readonly document: ImageDocument; readonly waiting: readonly RequestKey[] }
  /** It is to be made under other settings than this worker's: another worker's work. */
  | { readonly kind: 'declined'; readonly wanted: SettingsDigest }
  /** Another worker has it, it is done, or there is no such document. */
  | { readonly kind: 'nothing-to-do' };

/**
 * A worker takes a build that is queued, or whose worker has not been heard of for longer than its lease, or an index to
 * look at its images. One that it holds already is its own: the answer to its first claim may have been lost.
 */
export function claim(
  document: ImageDocument | undefined,
  worker: { readonly token: string; readonly durationSeconds: number; readonly settings: SettingsDigest },
  now: number,
): Claim {
  const held = heldImage(document, worker.token);
  if (held !== undefined) return { kind: 'claimed', document: held };
  if (document === undefined || !isClaimable(document.build, now)) return { kind: 'nothing-to-do' };
  const { build } = document;
  if (document.settings !== worker.settings) return { kind: 'declined', wanted: document.settings };
  if (build.attempts >= ATTEMPT_LIMIT) {
    const { indexes: waiting = [] } = document;
    return { kind: 'given-up', document: giveUp(document, build, now), waiting };
  }
  const { token, durationSeconds } = worker;
  const { by, attempts, lastError } = build;
  return {
    kind: 'claimed',
    document: {
      ...document,
      build: {
        state: 'building',
        by,
        lease: { token, renewedAt: now, durationSeconds },
        phase: { name: 'resolving' },
        attempts: attempts + 1,
        lastError,
      },
    },
  };
}

/** The worker is alive, and tells what it does. */
export function renew(
  document: ImageDocument | undefined,
  token: string,
  phase: Phase,
  now: number,
): ImageDocument | undefined {
  const held = heldImage(document, token);
  return (
    held && {
      ...held,
      build: { ...held.build, phase, lease: { ...held.build.lease, renewedAt: now } },
    }
  );
}

/**
 * The worker gives the build back: after an error that another try may get past, or, without one, because it stops on
 * purpose, which is no failed try.
 */
export function release(
  document: ImageDocument | undefined,
  token: string,
  error: string | undefined,
  now: number,
): ImageDocument | undefined {
  const held = heldImage(document, token);
  if (held === undefined) return undefined;
  const { by, attempts, lastError } = held.build;
  return {
    ...held,
    build: {
      state: 'queued',
      by,
      queuedAt: now,
      attempts: error === undefined ? attempts - 1 : attempts,
      lastError: error ?? lastError,
    },
  };
}

/** The worker has made the image: from now on it is the one that is served. */
export function publish(
  document: ImageDocument | undefined,
  token: string,
  { digest, revision, checkedAt }: Pick<CurrentImage, 'digest' | 'revision' | 'checkedAt'>,
  now: number,
): ImageDocument | undefined {
  const held = heldImage(document, token);
  if (held === undefined) return undefined;
  const current = { digest, revision, checkedAt, builtAt: now };
  // Who waited for it has it now.
  const uses = held.build.by === 'pull' ? usedOnceMore(held, now) : {};
  return { ...held, current, build: { state: 'none' }, indexes: undefined, ...uses };
}

/** The worker found that the image which is served is still what would be made. */
export function keep(document: ImageDocument | undefined, token: string): ImageDocument | undefined {
  const held = heldImage(document, token);
  if (held?.current === undefined) return undefined;
  return { ...held, build: { state: 'none' }, indexes: undefined };
}

/**
 * The build cannot be. A refusal of the package set replaces what is served: the set says that it must not be had any
 * more. A builder that failed leaves the older image to be served.
 */
export function fail(
  document: ImageDocument | undefined,
  token: string,
  { failure, revision }: { readonly failure: Failure; readonly revision: string | undefined },
  now: number,
): ImageDocument | undefined {
  const held = heldImage(document, token);
  return held && toFailed(held, failure, revision, now);
}

/**
 * What the image is made of was lost: it is served no longer, and made again, unless it is being made. Undefined where it is
 * another one that is served.
 */
export function lose(
  document: ImageDocument | undefined,
  digest: Digest,
  now: number,
): ImageDocument | undefined {
  if (document?.current?.digest !== digest) return undefined;
  const { request, settings } = document;
  const without = { ...document, current: undefined };
  return queue(without, { request, settings, by: 'refresh' }, now) ?? without;
}

/** Whether a worker may take this build at `now`: it is queued, or its lease is over, or an index that may be looked at. */
export function isClaimable(build: Build, now: number): build is AskedBuild {
  if (build.state === 'queued' || build.state === 'waiting') return true;
  return build.state === 'building' && now - build.lease.renewedAt > build.lease.durationSeconds * 1000;
}

/**
 * Whether the hint should be sent again: the build was left by its worker, or is unclaimed for longer than `patienceMs`. Of
 * an index that waits as long, its images say whose hint (index-life.ts, `leftAlone`).
 */
export function needsHint(build: Build, now: number, patienceMs = UNCLAIMED_MS): build is AskedBuild {
  switch (build.state) {
    case 'queued':
      return now - build.queuedAt > patienceMs;
    case 'waiting':
      return now - build.parkedAt > patienceMs;
    case 'building':
      return isClaimable(build, now);
    case 'none':
    case 'failed':
      return false;
  }
}

/** Whether so many builds failed within the last hour that no more are begun. */
export function isOverFailureLimit({ failuresAt = [] }: ImageDocument, now: number): boolean {
  return failuresAt.filter(failedAt => now - failedAt < HOUR_MS).length >= FAILURES_PER_HOUR;
}

/**
 * The build, if `token` still holds it. A lease that is over but not taken may go on: nobody else has begun. One that was
 * taken has another token, and the worker that comes back with the old one changes nothing.
 */
export function heldImage(document: ImageDocument | undefined, token: string): ClaimedImage | undefined {
  if (document?.build.state !== 'building' || document.build.lease.token !== token) return undefined;
  return { ...document, build: document.build };
}

function giveUp(document: ImageDocument, build: AskedBuild, now: number): ImageDocument {
  const why = build.lastError ?? 'every worker that took it vanished';
  const message = `gave up after ${build.attempts} attempts: ${why}`;
  return toFailed(document, { kind: 'gave_up', message }, undefined, now);
}

function toFailed(
  { request, settings, current, failuresAt = [], usedAt, recentUses }: ImageDocument,
  failure: Failure,
  revision: string | undefined,
  now: number,
): ImageDocument {
  const isRefusal = failure.kind === 'refused' || failure.kind === 'unknown_package';
  return {
    request,
    settings,
    current: isRefusal ? undefined : current,
    build: {
      state: 'failed',
      failure: { ...failure, log: failure.log?.slice(-LOG_LIMIT) },
      failedAt: now,
      revision,
    },
    failuresAt: [...failuresAt, now].slice(-FAILURES_PER_HOUR),
    usedAt,
    recentUses,
  };
}
