// The rules of an image's life: which change may follow which state. Pure; core/google/images.ts runs them in transactions.
import type { Build, ImageDocument } from './image-document.ts';

/** How long a failure is the answer before a pull tries again, in milliseconds: a retry loop costs nothing. */
export const FAILURE_HOLD_MS = 60_000;

/** How long a build may stay unclaimed before whoever waits sends the hint again, in milliseconds. */
export const UNCLAIMED_MS = 10_000;

/** Attempts that may end without an outcome before the build is given up. */
export const ATTEMPT_LIMIT = 5;

/** What a pull finds. */
export type PullView =
  | { readonly kind: 'ready'; readonly image: NonNullable<ImageDocument['current']> }
  | { readonly kind: 'failed'; readonly build: Extract<Build, { state: 'failed' }> }
  | { readonly kind: 'pending'; readonly build: Extract<Build, { state: 'queued' | 'building' }> }
  /** Nothing to wait for: the build has to be queued first. */
  | { readonly kind: 'unasked' };

/** How a document answers a pull at `now` (server time, milliseconds). What is ready is served whatever goes on behind it. */
export function pullView(document: ImageDocument | undefined, now: number): PullView {
  if (document === undefined) return { kind: 'unasked' };
  if (document.current !== undefined) return { kind: 'ready', image: document.current };
  const { build } = document;
  switch (build.state) {
    case 'queued':
    case 'building':
      return { kind: 'pending', build };
    case 'failed':
      return now - build.failedAt < FAILURE_HOLD_MS ? { kind: 'failed', build } : { kind: 'unasked' };
    case 'none':
      return { kind: 'unasked' };
  }
}

/** Whether a worker may take this build at `now`: it is queued, or its lease is over. */
export function isClaimable(build: Build, now: number): boolean {
  switch (build.state) {
    case 'queued':
      return true;
    case 'building':
      return now - build.lease.renewedAt > build.lease.durationSeconds * 1000;
    case 'none':
    case 'failed':
      return false;
  }
}

/** Whether the hint should be sent again: the build was left by its worker, or is unclaimed for longer than `patienceMs`. */
export function needsHint(build: Build, now: number, patienceMs = UNCLAIMED_MS): boolean {
  return build.state === 'queued' ? now - build.queuedAt > patienceMs : isClaimable(build, now);
}

/** Whether `token` still holds the build. A lease that is over but not taken may go on: nobody else has begun. */
export function holdsLease(build: Build, token: string): boolean {
  return build.state === 'building' && build.lease.token === token;
}
