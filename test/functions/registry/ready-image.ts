import type { Published } from '#core/google/image-holding.ts';
import { claimant, type Asked, type Cloud } from '#test/cloud.ts';
import { published } from '#test/published.ts';

/** An image that is there, with a manifest of these bytes. */
export async function readyImage(cloud: Cloud, text: string): Promise<Asked & { readonly image: Published }> {
  const asked = await cloud.newQueued();
  const image = published(text);
  await cloud.images.claim(asked.key, claimant('worker'));
  await cloud.images.publish(asked.key, 'worker', image);
  return { ...asked, image };
}
