// What is known of a package source: the revision that its moving ref stood at, and when that was asked last.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ImageRequest } from './image-request.ts';
import { flakeKeepsRevisions, parseFlakeReference } from './flake-reference.ts';
import { byCodeUnits } from './order.ts';
import { formatPackageSource, packageSourceSchema, type PackageSource } from './package-source.ts';

export const sourceKeySchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .brand('SourceKey');

/** Hash of a source and a ref of it: the id of their document. */
export type SourceKey = z.infer<typeof sourceKeySchema>;

/** Milliseconds since the epoch by the database's clock. */
const serverTime = z.number();

export const sourceDocumentSchema = z.object({
  source: packageSourceSchema,
  ref: z.string(),
  /** Absent until a worker has resolved it. */
  resolved: z
    .object({
      revision: z.string(),
      /** The full name of the git ref that it was found under. */
      gitRef: z.string().optional(),
      checkedAt: serverTime,
      /** Revisions that it stood at before, the latest first, and when it was first seen to have left each. */
      earlier: z.array(z.object({ revision: z.string(), leftAt: serverTime })),
    })
    .optional(),
  /** The branches and tags, in the document of a git repository at `EVERY_REF`. Absent until a worker has listed them. */
  refs: z
    .object({
      /** Separated by line ends, which no ref has. Not an array: each of its elements would be in an index. */
      names: z.string(),
      /** How many more there are. */
      leftOut: z.int().nonnegative(),
      listedAt: serverTime,
    })
    .optional(),
  /** When a worker was last asked to look. */
  askedAt: serverTime.optional(),
});

export type SourceDocument = z.infer<typeof sourceDocumentSchema>;
export type ResolvedRevision = NonNullable<SourceDocument['resolved']>;

/** One document for all images of a source at a ref, whatever they hold. */
export function sourceKey({ source, ref }: Pick<ImageRequest, 'source' | 'ref'>): SourceKey {
  const canonical = JSON.stringify([formatPackageSource(source), ref]);
  return sourceKeySchema.parse(createHash('sha256').update(canonical).digest('hex'));
}

/** How long a question about a source that nobody answered stays unrepeated. Milliseconds. */
export const ASK_AGAIN_MS = 60_000;

/** Whether what is known of a source is recent enough to go by. */
export function isFresh(
  resolved: Pick<ResolvedRevision, 'checkedAt'> | undefined,
  now: number,
  freshMs: number,
): boolean {
  return resolved !== undefined && now - resolved.checkedAt < freshMs;
}

/** {@link isFresh} for what is known of a repository's branches and tags. */
export function areFresh(refs: SourceDocument['refs'], now: number, freshMs: number): boolean {
  return refs !== undefined && now - refs.listedAt < freshMs;
}

/** Of names of refs, characters that are kept: with the rest they fit into a document, which has at most 1 MiB. */
const NAMES_LIMIT = 512 * 1024;

/** A repository's branches and tags as they are kept: sorted, each once, and where there are too many only the first. */
export function listedRefs(names: Iterable<string>): { names: string; leftOut: number } {
  const sorted = [...new Set(names)].toSorted(byCodeUnits);
  let length = 0;
  const tooMany = sorted.findIndex(name => (length += name.length + 1) > NAMES_LIMIT);
  const kept = tooMany < 0 ? sorted : sorted.slice(0, tooMany);
  return { names: kept.join('\n'), leftOut: sorted.length - kept.length };
}

/** Whether a worker should be asked to look at a source now: nobody was, or the last one who was asked did not answer. */
export function shouldAsk(document: SourceDocument | undefined, now: number): boolean {
  return document?.askedAt === undefined || now - document.askedAt > ASK_AGAIN_MS;
}

/** How many earlier revisions are remembered: a week of a source that moves at every look of six hours, twice over. */
export const EARLIER_LIMIT = 60;

/** What is known after a worker found the source at a revision. */
export function resolvedAt(
  document: SourceDocument | undefined,
  { revision, gitRef }: Pick<ResolvedRevision, 'revision' | 'gitRef'>,
  now: number,
): ResolvedRevision {
  const known = document?.resolved;
  const { earlier = [] } = known ?? {};
  if (known === undefined || known.revision === revision)
    return { revision, gitRef, checkedAt: now, earlier };
  const left = { revision: known.revision, leftAt: now };
  return { revision, gitRef, checkedAt: now, earlier: [left, ...earlier].slice(0, EARLIER_LIMIT) };
}

const COMMIT = /^[0-9a-f]{40}$/;

/** Whether a request names a commit: it stands for one revision for good, and is never resolved again. */
export function isPinned({ source, ref }: Pick<ImageRequest, 'source' | 'ref'>): boolean {
  switch (source.kind) {
    case 'channel':
      return COMMIT.test(source.name);
    case 'git':
      return COMMIT.test(ref);
    case 'flake':
      return parseFlakeReference(source.reference).rev !== undefined;
    case 'path':
    case 'debian':
      return false;
  }
}

/**
 * Whether a worker can fetch the revision that a source was seen at, after the source has moved on: not of a folder, which
 * holds what it holds now.
 */
export function keepsRevisions(source: PackageSource): boolean {
  switch (source.kind) {
    case 'channel':
    case 'git':
      return true;
    case 'flake':
      return flakeKeepsRevisions(parseFlakeReference(source.reference));
    case 'path':
    case 'debian':
      return false;
  }
}
