// `images/{requestKey}`: an image's life (core/image-life.ts) in Firestore. Every change is a transaction or a
// preconditioned write; used by registry, worker, prebuild and janitor alike.
import type { Firestore } from '@google-cloud/firestore';
import { imageDocumentSchema, type ImageDocument } from '../image-document.ts';
import type { RequestKey } from '../image-request.ts';
import { openDocuments, type Documents } from './documents.ts';
import { foundImage, type FoundImage } from './found-image.ts';
import { imageAsking } from './image-asking.ts';
import type { ImageCollection } from './image-collection.ts';
import { imageHolding } from './image-holding.ts';

export type Images = ReturnType<typeof openImages>;

/** `documents`: where they are kept instead, for tests that lead a life through all that may happen to it. */
export function openImages(firestore: Firestore, documents?: Documents<RequestKey, ImageDocument>) {
  const collection = firestore.collection('images');
  return imagesIn({
    firestore,
    collection,
    documents: documents ?? openDocuments(collection, imageDocumentSchema),
  });
}

function imagesIn(images: ImageCollection) {
  const { collection, documents } = images;
  return {
    read: documents.read,
    readAll: documents.readAll,
    parse: documents.parse,
    watch: documents.watch,

    ...imageAsking(images),
    ...imageHolding(images),

    /** Where a build's document is, to be read together with its source's. */
    reference: (key: RequestKey) => collection.doc(key),

    /** Builds that nobody has finished, those of each state from the oldest on: what the janitor looks through. */
    async *unfinished(): AsyncGenerator<FoundImage> {
      // A field that documents of one state have and no others: a query by it needs no index of its own.
      for (const moment of ['build.queuedAt', 'build.lease.renewedAt', 'build.parkedAt']) {
        const query = collection.orderBy(moment).limit(PAGE);
        for (let page = await query.get(); !page.empty;) {
          for (const snapshot of page.docs) yield foundImage(snapshot, documents.parse);
          const last = page.docs.at(-1);
          if (page.size < PAGE || last === undefined) break;
          page = await query.startAfter(last).get();
        }
      }
    },
  };
}

/** Documents that are read at a time where all are looked through. */
const PAGE = 200;
