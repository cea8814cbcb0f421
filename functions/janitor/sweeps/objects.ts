// The bucket beside the documents of blobs, both in the order of their digests: objects that no document tells of, and
// documents whose object is lost. One request lists a thousand objects with their checksums, so every blob is looked at.
import { FieldPath } from '@google-cloud/firestore';
import { adopt, blobDocumentSchema, inspect, isServed, type BlobDocument } from '#core/blob-life.ts';
import type { Digest } from '#core/digest.ts';
import { ConfigurationError } from '#core/errors.ts';
import { BLOBS_PREFIX, digestNamed, type FoundObject } from '#core/google/bucket-contents.ts';
import { toPlain, toStored } from '#core/google/firestore.ts';
import { pageByName, type Page } from '#core/google/pages.ts';
import {
  decideAndWrite,
  knownOrLeft,
  type Outcome,
  type Step,
  type Sweep,
  type Workplace,
} from '../sweep.ts';
import { forgetLost } from './lost-blob.ts';

const PAGE = 500;
const DAY_MS = 24 * 3_600_000;

export function sweepObjects(place: Workplace): Sweep {
  const { graceMs, tombstoneMs } = place.retention;
  const collection = place.firestore.collection('blobs');

  /** An object of no document, which was there at `listedAt`. */
  function adoptOrphan(object: FoundObject, digest: Digest, listedAt: number): Promise<Outcome> {
    return decideAndWrite(place, async transaction => {
      const reference = collection.doc(digest);
      const { document, readTime } = place.blobs.parse(await transaction.get(reference));
      // So long after the list another janitor may have adopted it, and deleted it.
      if (readTime - listedAt >= tombstoneMs) return { outcome: 'busy' };
      const next = adopt(document, object, readTime);
      if (next === undefined) return { outcome: 'kept' };
      return { outcome: 'adopted', write: writing => void writing.create(reference, toStored(next)) };
    });
  }

  function stepFor({ name, object, document, listedAt }: Pair): Step {
    async function take(): Promise<Outcome> {
      const digest = digestNamed(name);
      if (digest === undefined || document === 'unknown') return 'unknown';
      if (document !== undefined) {
        const { kind } = inspect(document, object, listedAt);
        const isRight = kind === 'whole' && object?.generation === document.generation;
        return isRight || kind === 'not-served' ? 'kept' : forgetLost(place, digest);
      }
      if (object === undefined || listedAt - object.createdAt < graceMs) return 'kept';
      return adoptOrphan(object, digest, listedAt);
    }
    return { subject: name, take: () => knownOrLeft(take) };
  }

  return {
    name: 'objects',
    restMs: Math.min(DAY_MS, graceMs / 7),
    async page(position) {
      const { items, next } = await pageOfPairs(place, position);
      return { items: items.map(stepFor), next };
    },
  };
}

/** What there is under one name: an object, a document, or both. */
interface Pair {
  readonly name: string;
  readonly object?: FoundObject;
  /** `unknown`: there is one, which this code does not know. */
  readonly document?: BlobDocument | 'unknown';
  /** The server's time before the list, in milliseconds. */
  readonly listedAt: number;
}

/**
 * So many documents of a page cannot all have lost their objects, nor so many objects all their documents: those of a bucket and
 * of a database that know nothing of each other are not to be collected by one another.
 */
const TOO_MANY = 20;

/** Pairs from behind the object of a name on, up to where both lists reach. */
async function pageOfPairs(
  { firestore, bucket, retention }: Pick<Workplace, 'firestore' | 'bucket' | 'retention'>,
  position: string | undefined,
): Promise<Page<Pair>> {
  // First the documents: one without an object has lost it, and is not just being written.
  const ofBlobs = firestore.collection('blobs').where(FieldPath.documentId(), '<', END_OF_DIGESTS);
  const documents = await pageByName(ofBlobs, idOf(position ?? BLOBS_PREFIX), PAGE);
  const objects = await bucket.list(BLOBS_PREFIX, position, PAGE);
  const listedAt = documents.readTime;
  const ends = [documents.next === undefined ? undefined : nameOf(documents.next), objects.next];
  const [end] = ends.filter(name => name !== undefined).toSorted();

  const pairs = new Map<string, Pair>();
  for (const object of objects.items) pairs.set(object.name, { name: object.name, object, listedAt });
  for (const snapshot of documents.items) {
    const name = nameOf(snapshot.id);
    const document = blobDocumentSchema.safeParse(toPlain(snapshot.data())).data ?? 'unknown';
    pairs.set(name, { ...pairs.get(name), name, document, listedAt });
  }
  const items = [...pairs.values()].filter(({ name }) => end === undefined || name <= end);
  requireRelated(items, retention.graceMs);
  return { items, next: end };
}

/** Throws a {@link ConfigurationError} where a bucket and documents have so many blobs each or alone, and not one in common. */
function requireRelated(pairs: readonly Pair[], graceMs: number): void {
  if (pairs.some(({ object, document }) => object !== undefined && document !== undefined)) return;
  const documents = pairs.filter(({ document }) => document === 'unknown' || isServed(document));
  const objects = pairs.filter(({ object, listedAt }) => object && listedAt - object.createdAt >= graceMs);
  if (documents.length > TOO_MANY) {
    throw new ConfigurationError(
      'the bucket has not one of the blobs that documents tell of: DERIVERY_BUCKET has to be the one of the workers',
    );
  }
  if (objects.length > TOO_MANY) {
    throw new ConfigurationError(
      'the bucket has many blobs, and documents tell of none: DERIVERY_BUCKET and DERIVERY_DATABASE have to be those of the ' +
        'workers. Where the database was emptied, the bucket has to be emptied too',
    );
  }
}

const DIGESTS = 'sha256:';
/** The first id that is not of a digest. */
const END_OF_DIGESTS = 'sha256;';

function nameOf(id: string): string {
  return `${BLOBS_PREFIX}${id.slice(DIGESTS.length)}`;
}

function idOf(name: string): string {
  return `${DIGESTS}${name.slice(BLOBS_PREFIX.length)}`;
}
