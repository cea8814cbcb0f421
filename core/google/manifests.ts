// `manifests/{digest}`: the exact bytes that are served, written once.
import { FieldValue, Timestamp, type Firestore, type Transaction } from '@google-cloud/firestore';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { digestSchema, type Digest } from '../digest.ts';
import { READ_LIMIT_MS, within } from './firestore.ts';
import { noteUse } from './last-use.ts';

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

/** Manifests that a process keeps at hand where nothing else is said. Bytes; one of a hundred layers has some 20 kB. */
const CACHE_BYTES = 32 << 20;

export function openManifests(firestore: Firestore, cacheBytes = CACHE_BYTES) {
  const collection = firestore.collection('manifests');
  // What is kept under a digest can never be another: nothing here grows stale.
  const cache = new LRUCache<Digest, Manifest>({
    maxSize: cacheBytes,
    sizeCalculation: ({ bytes }) => bytes.length + ENTRY_BYTES,
  });
  const reads = new Map<Digest, Promise<Manifest | undefined>>();

  async function readStored(digest: Digest): Promise<Manifest | undefined> {
    const data = (await collection.doc(digest).get()).data();
    if (data === undefined) return undefined;
    const manifest = { digest, ...manifestSchema.parse(data) };
    cache.set(digest, manifest);
    return manifest;
  }

  /** One read for all who ask at the same time; a Firestore that stays silent is not what the next wait for as well. */
  function readOnce(digest: Digest): Promise<Manifest | undefined> {
    let read = reads.get(digest);
    if (read === undefined) {
      read = within(READ_LIMIT_MS, readStored(digest)).finally(() => reads.delete(digest));
      reads.set(digest, read);
    }
    return read;
  }

  return {
    /** What is at hand without a question. */
    kept: (digest: Digest): Manifest | undefined => cache.get(digest),

    /** Undefined where no image has this manifest. Throws a {@link TransientError} where Firestore does not answer. */
    async read(digest: Digest): Promise<Manifest | undefined> {
      return cache.get(digest) ?? readOnce(digest);
    },

    /**
     * Notes that it was pulled (last-use.ts). The document is read for that: what was deleted meanwhile is at hand no longer.
     * Answers for how long nothing more is to be noted. Milliseconds.
     */
    async noteUse(digest: Digest): Promise<number> {
      const snapshot = await collection.doc(digest).get();
      const { ref, updateTime: version } = snapshot;
      if (version === undefined) {
        cache.delete(digest);
        return 0;
      }
      const { usedAt } = usedSchema.parse(snapshot.data());
      return noteUse(ref, { usedAt: usedAt?.toMillis(), readTime: snapshot.readTime.toMillis(), version });
    },
  };
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

/** What an entry takes besides its bytes, about. */
const ENTRY_BYTES = 512;

/** Writes a manifest as part of a transaction. What is under its digest already is the same; made again, it is used again. */
export function storeManifest(firestore: Firestore, { digest, ...stored }: Manifest) {
  return (transaction: Transaction): void => {
    const usedAt = FieldValue.serverTimestamp();
    transaction.set(firestore.collection('manifests').doc(digest), { ...stored, usedAt });
  };
}
