// `manifests/{digest}`: the exact bytes that are served, written once.
import {
  FieldValue,
  Timestamp,
  type DocumentSnapshot,
  type Firestore,
  type Transaction,
} from '@google-cloud/firestore';
import { z } from 'zod';
import { digestSchema, type Digest } from '../digest.ts';
import { noteUse } from './last-use.ts';
import { createManifestCache, type ManifestCacheParts } from './manifest-cache.ts';

const manifestSchema = z.object({
  mediaType: z.string(),
  bytes: z.instanceof(Uint8Array),
  /** Of an index: the manifests that it names. */
  children: z.array(digestSchema).readonly().optional(),
  /** Of an image: its config and its layers. Absent in documents that are older than this field. */
  blobs: z.array(digestSchema).readonly().optional(),
});

const usedSchema = z.object({ usedAt: z.instanceof(Timestamp).optional() });

export interface Manifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  readonly children?: readonly Digest[] | undefined;
  readonly blobs?: readonly Digest[] | undefined;
}

export type Manifests = ReturnType<typeof openManifests>;

/** What a process keeps at hand, where nothing else is said. */
const AT_HAND = { cacheBytes: 32 << 20, trustedMs: 3_600_000, now: () => performance.now() };

/** `atHand`: what of the manifest cache is to be otherwise (manifest-cache.ts). */
export function openManifests(
  firestore: Firestore,
  atHand: Partial<Omit<ManifestCacheParts<Manifest>, 'readStored'>> = {},
) {
  const collection = firestore.collection('manifests');
  const { now, ...limits } = { ...AT_HAND, ...atHand };
  const cache = createManifestCache({
    answeredMs: limits.trustedMs,
    ...limits,
    now,
    readStored: async digest => parse(await collection.doc(digest).get()),
  });

  return {
    /** What is at hand without a question. */
    kept: cache.trusted,

    /**
     * Undefined where no image has this manifest. Throws a {@link TransientError} where Firestore does not answer and it is
     * not at hand.
     */
    read: cache.read,

    /**
     * Notes that it was pulled (last-use.ts). The document is read for that: what was deleted meanwhile is at hand no longer.
     * Answers for how long nothing more is to be noted. Milliseconds.
     */
    async noteUse(digest: Digest, everyMs: number): Promise<number> {
      const beganAt = now();
      const snapshot = await collection.doc(digest).get();
      cache.note(digest, parse(snapshot), beganAt);
      const { ref, readTime, updateTime: version } = snapshot;
      if (version === undefined) return 0;
      const { usedAt } = usedSchema.parse(snapshot.data());
      return noteUse(ref, { usedAt: usedAt?.toMillis(), readTime: readTime.toMillis(), version }, everyMs);
    },
  };
}

function parse(snapshot: DocumentSnapshot): Manifest | undefined {
  const data = snapshot.data();
  return data && { digest: digestSchema.parse(snapshot.id), ...manifestSchema.parse(data) };
}

/**
 * A manifest that is there, and when it was pulled last, in milliseconds. Throws a ZodError where it is not one that this code
 * knows.
 */
export function parseManifest(
  snapshot: DocumentSnapshot,
): Manifest & { readonly usedAt: number | undefined } {
  const { usedAt } = usedSchema.parse(snapshot.data());
  const stored = manifestSchema.parse(snapshot.data());
  return { digest: digestSchema.parse(snapshot.id), ...stored, usedAt: usedAt?.toMillis() };
}

const namedSchema = z.object({ digest: digestSchema });
const imageSchema = z.object({ config: namedSchema, layers: z.array(namedSchema) });

/** The blobs that a manifest names: what must be there for as long as it is. An index names none, but children that do. */
export function blobsOf({ blobs, children, bytes }: Manifest): readonly Digest[] {
  if (blobs !== undefined) return blobs;
  if (children !== undefined) return [];
  const { config, layers } = imageSchema.parse(JSON.parse(Buffer.from(bytes).toString()));
  return [...new Set([config, ...layers].map(({ digest }) => digest))];
}

/** Writes a manifest as part of a transaction. What is under its digest already is the same; made again, it is used again. */
export function storeManifest(firestore: Firestore, { digest, ...stored }: Manifest) {
  return (transaction: Transaction): void => {
    const usedAt = FieldValue.serverTimestamp();
    transaction.set(firestore.collection('manifests').doc(digest), { ...stored, usedAt });
  };
}
