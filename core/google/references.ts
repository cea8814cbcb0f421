// What a manifest names, read, judged and noted in the one transaction that publishes it.
import {
  FieldValue,
  type DocumentReference,
  type DocumentSnapshot,
  type Firestore,
} from '@google-cloud/firestore';
import { refer } from '../blob-life.ts';
import type { Digest } from '../digest.ts';
import { openBlobs, type SeenBlob } from './blobs.ts';
import { toStored } from './firestore.ts';
import type { Write } from './documents.ts';
import { blobsOf, type Manifest } from './manifests.ts';

/** Why a manifest cannot be published as it is. */
export interface Refusal {
  readonly kind: 'refused';
  /** Blobs that are not known, or condemned: to be stored again. */
  readonly missing: readonly Digest[];
  /** Blobs whose objects are to be looked at: nobody did lately. */
  readonly unseen: readonly UnseenBlob[];
  /** Of an index: manifests that are not there. */
  readonly children: readonly Digest[];
}

export interface UnseenBlob {
  readonly digest: Digest;
  readonly seen: SeenBlob;
}

export interface References {
  readonly documents: readonly DocumentReference[];
  /** By the documents, in their order, at `now`: what publishing writes into them, or why it may not be. */
  readonly judge: (
    snapshots: readonly DocumentSnapshot[],
    now: number,
  ) => { readonly kind: 'whole'; readonly note: Write } | Refusal;
}

export function referencesOf(firestore: Firestore, manifest: Manifest): References {
  const blobs = openBlobs(firestore);
  const digests = blobsOf(manifest);
  const { children = [] } = manifest;
  return {
    documents: [
      ...digests.map(blobs.reference),
      ...children.map(child => firestore.collection('manifests').doc(child)),
    ],
    judge(snapshots, now) {
      const named = digests.map((digest, at) => {
        const snapshot = snapshotAt(snapshots, at);
        const seen = blobs.parse(snapshot);
        return { digest, seen, ref: snapshot.ref, reference: refer(seen.document, now) };
      });
      const indexed = children.map((digest, at) => ({
        digest,
        snapshot: snapshotAt(snapshots, digests.length + at),
      }));
      const missing = named.filter(({ reference }) => reference.kind === 'missing');
      const unseen = named.filter(({ reference }) => reference.kind === 'unseen');
      const gone = indexed.filter(({ snapshot }) => !snapshot.exists);
      if (missing.length + unseen.length + gone.length > 0) {
        return {
          kind: 'refused',
          missing: missing.map(({ digest }) => digest),
          unseen: unseen.map(({ digest, seen }) => ({ digest, seen })),
          children: gone.map(({ digest }) => digest),
        };
      }
      const note: Write = transaction => {
        for (const { ref, reference } of named) {
          if (reference.kind === 'there' && reference.next !== undefined) {
            transaction.set(ref, toStored(reference.next));
          }
        }
        for (const { snapshot } of indexed) {
          transaction.update(snapshot.ref, { usedAt: FieldValue.serverTimestamp() });
        }
      };
      return { kind: 'whole', note };
    },
  };
}

function snapshotAt(snapshots: readonly DocumentSnapshot[], at: number): DocumentSnapshot {
  const snapshot = snapshots[at];
  if (snapshot === undefined) throw new Error('Firestore answered fewer documents than asked');
  return snapshot;
}
