// One image in every state that it can be in, for tests of what follows from each.
import { digestOf } from '#core/digest.ts';
import type { Failure } from '#core/failure.ts';
import type { AskedBuild, Build, CurrentImage, FailedBuild, ImageDocument } from '#core/image-document.ts';
import type { ImageRequest } from '#core/image-request.ts';
import { SETTINGS } from './deployment.ts';

/** The moment of which all that is said here. */
export const T = 1_800_000_000_000;
export const LEASE_SECONDS = 30;
export const LEASE_MS = LEASE_SECONDS * 1000;

export const request: ImageRequest = {
  packages: ['hello'],
  platforms: ['linux/amd64'],
  user: 'root',
  source: { kind: 'channel', name: 'nixos-unstable' },
  ref: 'latest',
};

/** Made at T from `r1`, which the source was seen at just then. */
export const current: CurrentImage = {
  digest: digestOf('manifest'),
  revision: 'r1',
  checkedAt: T,
  builtAt: T,
};

export function queued(more: Partial<Extract<Build, { state: 'queued' }>> = {}): AskedBuild {
  return { state: 'queued', by: 'pull', queuedAt: T, attempts: 0, ...more };
}

export function building(more: Partial<Extract<Build, { state: 'building' }>> = {}): AskedBuild {
  return {
    state: 'building',
    by: 'pull',
    lease: { token: 'mine', renewedAt: T, durationSeconds: LEASE_SECONDS },
    phase: { name: 'resolving' },
    attempts: 1,
    ...more,
  };
}

export function waiting(more: Partial<Extract<Build, { state: 'waiting' }>> = {}): AskedBuild {
  return { state: 'waiting', by: 'pull', parkedAt: T, attempts: 0, ...more };
}

export function failed(kind: Failure['kind'], more: Partial<FailedBuild> = {}): FailedBuild {
  const failure = { kind, message: `hello: ${kind}` };
  return { state: 'failed', failure, failedAt: T, revision: 'r1', ...more };
}

export const none: Build = { state: 'none' };

export function imageOf(build: Build, more: Partial<ImageDocument> = {}): ImageDocument {
  return { request, settings: SETTINGS, build, ...more };
}
