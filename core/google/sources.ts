// `sources/{sourceKey}`: the revision of each source's ref, one for all images made from it.
import type { CollectionReference, Firestore } from '@google-cloud/firestore';
import { EVERY_REF } from '../git-ref.ts';
import type { ImageRequest } from '../image-request.ts';
import type { PackageSource } from '../package-source.ts';
import {
  isFresh,
  listedRefs,
  shouldAsk,
  sourceDocumentSchema,
  resolvedAt,
  type ResolvedRevision,
  type SourceDocument,
  type SourceKey,
} from '../source-document.ts';
import { openDocuments, type Documents, type Seen } from './documents.ts';

export type SeenSource = Seen<SourceDocument>;
export type Sources = ReturnType<typeof openSources>;

/** `documents`: where they are kept instead, as images may be. */
export function openSources(firestore: Firestore, documents?: Documents<SourceKey, SourceDocument>) {
  const collection = firestore.collection('sources');
  return sourcesIn(collection, documents ?? openDocuments(collection, sourceDocumentSchema));
}

function sourcesIn(collection: CollectionReference, documents: Documents<SourceKey, SourceDocument>) {
  return {
    read: documents.read,
    parse: documents.parse,

    /** Where a source's document is, to be read together with an image's. */
    reference: (key: SourceKey) => collection.doc(key),

    /** Notes that a worker is asked to look at the source. Answers whether the asking falls to this call. */
    async ask(
      key: SourceKey,
      { source, ref }: Pick<ImageRequest, 'source' | 'ref'>,
      seen: SeenSource,
    ): Promise<boolean> {
      if (!shouldAsk(seen.document, seen.readTime)) return false;
      return documents.writeIfUnchanged(key, seen, { ...seen.document, source, ref, askedAt: seen.readTime });
    },

    /** The revision, if it was looked at recently enough. */
    async freshRevision(key: SourceKey, freshMs: number): Promise<ResolvedRevision | undefined> {
      const { document, readTime } = await documents.read(key);
      return isFresh(document?.resolved, readTime, freshMs) ? document?.resolved : undefined;
    },

    /**
     * Notes where the source was found, and answers what is known from then on. `lookedAt` is the server's time before
     * the look: what a worker that stood still in between found does not replace a later look.
     */
    record(
      key: SourceKey,
      request: Pick<ImageRequest, 'source' | 'ref'>,
      found: Pick<ResolvedRevision, 'revision' | 'gitRef'>,
      lookedAt?: number,
    ): Promise<ResolvedRevision> {
      return documents.change(key, (document, now) => {
        const at = lookedAt ?? now;
        const known = document?.resolved;
        if (known !== undefined && known.checkedAt > at) return { next: undefined, result: known };
        const result = resolvedAt(document, found, at);
        return { next: { source: request.source, ref: request.ref, resolved: result }, result };
      });
    },

    /** Notes the branches and tags that a git repository has, which has a document of its own for them. */
    recordRefs(key: SourceKey, source: PackageSource, names: Iterable<string>): Promise<void> {
      const listed = listedRefs(names);
      return documents.change(key, (_, now) => ({
        next: { source, ref: EVERY_REF, refs: { ...listed, listedAt: now } },
        result: undefined,
      }));
    },
  };
}
