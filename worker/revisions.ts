// The revision that an image is made at: the one its source was last seen at, where that is recent, or a new look.
import { EVERY_REF } from '#core/git-ref.ts';
import type { ImageRequest } from '#core/image-request.ts';
import { formatPackageSource, type PackageSource } from '#core/package-source.ts';
import {
  areFresh,
  isFresh,
  isPinned,
  keepsRevisions,
  sourceKey,
  type SourceKey,
} from '#core/source-document.ts';
import type { Log } from '#core/google/log.ts';
import type { Sources } from '#core/google/sources.ts';
import type { FoundRevision } from './source/found-revision.ts';
import type { PackageSources } from './source/package-sources.ts';

/** A revision, and when the source was seen at it by the server's clock. */
export interface SeenRevision extends FoundRevision {
  readonly checkedAt: number;
}

export interface RevisionsParts {
  readonly sources: Sources;
  readonly packageSources: PackageSources;
  /** For how long a source's revision is gone by without asking again. Milliseconds. */
  readonly freshMs: number;
  readonly log: Log;
}

export type Revisions = ReturnType<typeof createRevisions>;

export function createRevisions({ sources, packageSources, freshMs, log }: RevisionsParts) {
  /** Lists the branches and tags of a repository, unless that was done lately. */
  async function listRefs(source: PackageSource, signal: AbortSignal): Promise<void> {
    const key = sourceKey({ source, ref: EVERY_REF });
    const { document, readTime } = await sources.read(key);
    if (areFresh(document?.refs, readTime, freshMs)) return;
    await sources.recordRefs(key, source, await packageSources.listRefs(source, signal));
  }

  /** Looks, and lets everyone know. */
  async function look(
    request: Pick<ImageRequest, 'source' | 'ref'>,
    signal: AbortSignal,
  ): Promise<SeenRevision> {
    const key = sourceKey(request);
    if (request.source.kind === 'git') {
      // Beside the build, which does not need it: the image will be there for those who list its tags.
      listRefs(request.source, signal).catch((error: unknown) => {
        log.warn(
          { error, source: formatPackageSource(request.source) },
          'branches and tags cannot be listed',
        );
      });
    }
    const { readTime } = await sources.read(key);
    const found = await packageSources.find(request.source, request.ref, signal);
    const { revision, gitRef, checkedAt } = await sources.record(key, request, found, readTime);
    // What is evaluated of a folder is what it holds now, whatever another worker found there.
    return keepsRevisions(request.source) ? { revision, gitRef, checkedAt } : { ...found, checkedAt };
  }

  return {
    /** The revision to make an image at. `now` is the server's time. Throws as {@link PackageSources} does. */
    async forImage(request: ImageRequest, now: number, signal: AbortSignal): Promise<SeenRevision> {
      const { source, ref } = request;
      if (isPinned(request)) return { ...(await packageSources.find(source, ref, signal)), checkedAt: now };
      if (keepsRevisions(source)) {
        const known = await sources.freshRevision(sourceKey(request), freshMs);
        if (known !== undefined) return { ...known, gitRef: known.gitRef };
      }
      return look(request, signal);
    },

    /** Looks at a source again, or lists its refs, unless that was done since it was asked for. */
    async refresh(key: SourceKey, signal: AbortSignal): Promise<void> {
      const { document, readTime } = await sources.read(key);
      if (document?.ref === EVERY_REF) return listRefs(document.source, signal);
      if (document === undefined || isFresh(document.resolved, readTime, freshMs)) return;
      await look(document, signal);
    },
  };
}
