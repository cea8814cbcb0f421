// Where images are: what those share that write an image's document.
import type { CollectionReference, Firestore } from '@google-cloud/firestore';
import type { ImageDocument } from '../image-document.ts';
import type { RequestKey } from '../image-request.ts';
import type { Documents, Seen } from './documents.ts';

export type SeenImage = Seen<ImageDocument>;

export interface ImageCollection {
  readonly firestore: Firestore;
  readonly collection: CollectionReference;
  readonly documents: Documents<RequestKey, ImageDocument>;
}
