// What names and tags ask for, of one deployment: always the same, and so worked out once.
import { LRUCache } from 'lru-cache';
import {
  parseImageRequest,
  requestKey,
  type ImageRequest,
  type Offer,
  type RequestKey,
} from '#core/image-request.ts';
import type { SettingsDigest } from '#core/image-settings.ts';
import type { RepositoryName, Tag } from '#core/reference.ts';

export interface WantedImage {
  readonly request: ImageRequest;
  readonly key: RequestKey;
}

/** Throws a RegistryError for what cannot be. */
export type WantImage = (name: RepositoryName, tag: Tag) => WantedImage;

/** Of a thousand, each of a few kilobytes at most. */
const KEPT = 1_000;

/** `settings`: what images are made by, a part of their keys. */
export function createWantedImages(offer: Offer, settings: SettingsDigest): WantImage {
  const known = new LRUCache<string, WantedImage>({ max: KEPT });

  return (name, tag) => {
    const reference = `${name}:${tag}`;
    let wanted = known.get(reference);
    if (wanted === undefined) {
      const request = parseImageRequest(name, tag, offer);
      wanted = { request, key: requestKey(request, settings) };
      known.set(reference, wanted);
    }
    return wanted;
  };
}
