// `manifests/{digest}`: the exact bytes that are served, written once.
import type { Firestore, Transaction } from '@google-cloud/firestore';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { digestSchema, type Digest } from '../digest.ts';

const manifestSchema = z.object({
  mediaType: z.string(),
  bytes: z.instanceof(Uint8Array),
  /** Of an index: the manifests that it names. */
  children: z.array(digestSchema).readonly().optional(),
});

export interface Manifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  readonly children?: readonly Digest[] | undefined;
}

export type Manifests = ReturnType<typeof openManifests>;

/** Manifests that a process keeps at hand. Bytes; one of a hundred layers has some 20 kB. */
const CACHE_BYTES = 32 << 20;

export function openManifests(firestore: Firestore) {
  const collection = firestore.collection('manifests');
  // What is kept under a digest can never be another: nothing here grows stale.
  const cache = new LRUCache<Digest, Manifest>({
    maxSize: CACHE_BYTES,
    sizeCalculation: ({ bytes }) => bytes.length,
  });
  return {
    /** Undefined where no image has this manifest. */
    async read(digest: Digest): Promise<Manifest | undefined> {
      const kept = cache.get(digest);
      if (kept !== undefined) return kept;
      const data = (await collection.doc(digest).get()).data();
      if (data === undefined) return undefined;
      const manifest = { digest, ...manifestSchema.parse(data) };
      cache.set(digest, manifest);
      return manifest;
    },
  };
}

/** Writes a manifest as part of a transaction. What is under its digest already is the same. */
export function storeManifest(firestore: Firestore, { digest, ...stored }: Manifest) {
  return (transaction: Transaction): void => {
    transaction.set(firestore.collection('manifests').doc(digest), stored);
  };
}
