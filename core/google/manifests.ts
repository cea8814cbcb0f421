// `manifests/{digest}`: the exact bytes that are served, written once.
import type { Firestore } from '@google-cloud/firestore';
import { z } from 'zod';
import type { Digest } from '../digest.ts';

const manifestSchema = z.object({ mediaType: z.string(), bytes: z.instanceof(Uint8Array) });

export interface Manifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

export type Manifests = ReturnType<typeof openManifests>;

export function openManifests(firestore: Firestore) {
  const collection = firestore.collection('manifests');
  return {
    /** Undefined where no image has this manifest. */
    async read(digest: Digest): Promise<Manifest | undefined> {
      const data = (await collection.doc(digest).get()).data();
      return data === undefined ? undefined : { digest, ...manifestSchema.parse(data) };
    },
  };
}
