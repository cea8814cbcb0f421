// An index that no other test asks for, and its two images.
import { requestKey, requestsByPlatform, type ImageRequest } from '#core/image-request.ts';
import { SETTINGS } from '#test/core/deployment.ts';
import type { Asked, Cloud } from '#test/cloud.ts';

export interface AskedIndex extends Asked {
  readonly images: readonly [Omit<Asked, 'name'>, Omit<Asked, 'name'>];
}

export function newIndex(cloud: Cloud): AskedIndex {
  const { name, request: ofOne } = cloud.newImage();
  const request: ImageRequest = { ...ofOne, platforms: ['linux/amd64', 'linux/arm64'] };
  const [first, second] = requestsByPlatform(request).map(image => ({
    key: requestKey(image, SETTINGS),
    request: image,
  }));
  if (first === undefined || second === undefined) throw new Error('an index of two has two images');
  return { name, request, key: requestKey(request, SETTINGS), images: [first, second] };
}
