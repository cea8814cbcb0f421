// The state of one image: the truth that every part reads and writes. Messages only hint at it.
import { z } from 'zod';
import { digestSchema } from './digest.ts';
import { failureSchema } from './failure.ts';
import { imageRequestSchema, requestKeySchema } from './image-request.ts';
import { settingsDigestSchema } from './image-settings.ts';

/** Who asked for a build: someone who waits (`pull`), or nobody (`refresh`: a stale image, a prebuild). */
export const prioritySchema = z.enum(['pull', 'refresh']);
export type Priority = z.infer<typeof prioritySchema>;

/**
 * What a worker is doing, and how far it is where that can be counted. `waiting`: another of its builds makes some of the same
 * packages, and has to end first.
 */
export const phaseSchema = z.object({
  name: z.enum(['resolving', 'building', 'waiting', 'planning', 'packing', 'publishing']),
  done: z.int().nonnegative().optional(),
  of: z.int().positive().optional(),
});
export type Phase = z.infer<typeof phaseSchema>;

/** Milliseconds since the epoch by the database's clock: no machine's own clock enters a decision. */
const serverTime = z.number();

/** A worker's claim on a build. It is over when `renewedAt` lies more than `durationSeconds` back. */
export const leaseSchema = z.object({
  token: z.string().min(1),
  renewedAt: serverTime,
  durationSeconds: z.number().positive(),
});
export type Lease = z.infer<typeof leaseSchema>;

/** Of a build that has been asked for: who waits, since when, the tries so far, and what the last one met. */
const asked = {
  by: prioritySchema,
  attempts: z.int().nonnegative(),
  lastError: z.string().optional(),
};

export const buildSchema = z.discriminatedUnion('state', [
  z.object({ state: z.literal('none') }),
  z.object({ state: z.literal('queued'), queuedAt: serverTime, ...asked }),
  z.object({ state: z.literal('building'), lease: leaseSchema, phase: phaseSchema, ...asked }),
  /** An index whose images are being made, each by whichever worker takes it. */
  z.object({ state: z.literal('waiting'), parkedAt: serverTime, ...asked }),
  z.object({
    state: z.literal('failed'),
    failure: failureSchema,
    failedAt: serverTime,
    /** The package set's revision that it failed at; none where it failed before one was known. */
    revision: z.string().optional(),
  }),
]);
export type Build = z.infer<typeof buildSchema>;
export type AskedBuild = Extract<Build, { state: 'queued' | 'building' | 'waiting' }>;
export type FailedBuild = Extract<Build, { state: 'failed' }>;

export const currentSchema = z.object({
  digest: digestSchema,
  /** The package set's revision that the image was made from. */
  revision: z.string(),
  /** When the source was seen at that revision. */
  checkedAt: serverTime,
  builtAt: serverTime,
});
export type CurrentImage = z.infer<typeof currentSchema>;

export const imageDocumentSchema = z.object({
  request: imageRequestSchema,
  /** The settings that it is made under, a part of its key. A worker with others leaves it alone. */
  settings: settingsDigestSchema,
  /** The image that is served now, if there is one. */
  current: currentSchema.optional(),
  build: buildSchema,
  /** When the last builds failed: no more of them than an hour may have. */
  failuresAt: z.array(serverTime).optional(),
  /** The indexes that wait for the build under way: whoever ends it looks at them. */
  indexes: z.array(requestKeySchema).optional(),
  /** When it was pulled last, within the hour. Absent until it was. */
  usedAt: serverTime.optional(),
  /** How much it was used until then (core/recent-uses.ts). */
  recentUses: z.number().nonnegative().optional(),
});
export type ImageDocument = z.infer<typeof imageDocumentSchema>;

/** "building 3/17": a phase for people. */
export function describePhase({ name, done, of }: Phase): string {
  if (name === 'waiting') return 'waiting for another build that makes some of the same packages';
  return of === undefined ? name : `${name} ${done ?? 0}/${of}`;
}

/** How far a build is, for people. */
export function describeBuild(build: AskedBuild): string {
  switch (build.state) {
    case 'queued':
      return 'waiting for a worker';
    case 'building':
      return describePhase(build.phase);
    case 'waiting':
      return 'waiting for the images of its platforms';
  }
}

/** The build, if one is under way. */
export function askedBuild(document: ImageDocument | undefined): AskedBuild | undefined {
  const build = document?.build;
  return build === undefined || build.state === 'none' || build.state === 'failed' ? undefined : build;
}
