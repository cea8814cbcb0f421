// A document that a query over all images came upon.
import type { QueryDocumentSnapshot } from '@google-cloud/firestore';
import type { ImageDocument } from '../image-document.ts';
import { requestKeySchema, type RequestKey } from '../image-request.ts';
import type { Documents, Seen } from './documents.ts';

export type FoundImage = { readonly key: RequestKey; readonly seen: Seen<ImageDocument> } | Unreadable;

/** A document that is not one that this code knows. */
export interface Unreadable {
  readonly key: string;
  readonly error: unknown;
}

export function foundImage(
  snapshot: QueryDocumentSnapshot,
  parse: Documents<RequestKey, ImageDocument>['parse'],
): FoundImage {
  try {
    return { key: requestKeySchema.parse(snapshot.id), seen: parse(snapshot) };
  } catch (error) {
    return { key: snapshot.id, error };
  }
}
