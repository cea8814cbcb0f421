// What a pull is decided by, read in one round trip: the image's document and its source's.
import type { Firestore } from '@google-cloud/firestore';
import type { ImageRequest, RequestKey } from '../image-request.ts';
import { sourceKey, type SourceKey } from '../source-document.ts';
import type { SeenImage } from './image-collection.ts';
import type { Images } from './images.ts';
import type { Sources, SeenSource } from './sources.ts';

export interface PullState {
  readonly sourceKey: SourceKey;
  readonly image: SeenImage;
  readonly source: SeenSource;
}

export type ReadPullState = (key: RequestKey, request: ImageRequest) => Promise<PullState>;

export function openPullState(firestore: Firestore, images: Images, sources: Sources): ReadPullState {
  return async (key, request) => {
    const ofSource = sourceKey(request);
    const [image, source] = await firestore.getAll(images.reference(key), sources.reference(ofSource));
    if (image === undefined || source === undefined)
      throw new Error('Firestore answered fewer documents than asked');
    return { sourceKey: ofSource, image: images.parse(image), source: sources.parse(source) };
  };
}
