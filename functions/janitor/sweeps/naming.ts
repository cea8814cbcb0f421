// What names a blob. Read in a transaction, these queries are a part of what it decides by: a manifest or a fact that is
// written meanwhile makes it fail.
import type { Firestore, Query } from '@google-cloud/firestore';

/** Manifests that name the blob, at most so many, without their contents. */
export function naming(firestore: Firestore, digest: string, limit: number): Query {
  return firestore.collection('manifests').where('blobs', 'array-contains', digest).limit(limit).select();
}

/** Facts by which a worker would name the blob without looking for it, at most so many. */
export function factsOf(firestore: Firestore, digest: string, limit: number): Query {
  return firestore.collection('layers').where('digest', '==', digest).limit(limit).select();
}
