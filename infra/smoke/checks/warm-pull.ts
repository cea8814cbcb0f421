// A pull of what is there: its time, and every byte of it.
import { expect, type Checks } from '../check.ts';
import { taggedSchema, type Descriptor } from '../documents.ts';
import type { ImageToPull } from '../image.ts';
import { pullManifest, seconds, type Pulled } from '../pull.ts';
import type { Registry } from '../registry.ts';
import { checkBlobs, fetchBlobs } from './blobs.ts';

/** What is there is a look into the database, or into the instance's memory. Milliseconds. */
const WARM_LIMIT_MS = 5_000;

export async function checkWarmPull(
  checks: Checks,
  registry: Registry,
  image: ImageToPull,
  cold: Pulled,
): Promise<void> {
  await checks.run(
    'warm pull',
    'Look at the chart of times in the dashboard, and whether the registry and its database are in one region.',
    async () => {
      const { tookMs, redirects } = await pullManifest(registry, image, {
        client: 'impatient',
        totalMs: 60_000,
      });
      expect(redirects === 0, `it waited ${redirects} redirects`);
      expect(tookMs < WARM_LIMIT_MS, `its manifest took ${seconds(tookMs)}`);
      return { says: `manifest after ${seconds(tookMs)}`, value: undefined };
    },
  );
  const blobs = await checks.run(
    'all blobs of it',
    'Look at the bucket of blobs: a manifest names what is not there, or is not what was written.',
    async () => {
      const value = await blobsOf(registry, image.name, cold);
      return { says: await fetchBlobs(registry, image.name, value), value };
    },
  );
  const [config] = blobs ?? (await blobsOf(registry, image.name, cold));
  if (config !== undefined) await checkBlobs(checks, registry, image.name, config);
}

/** The blobs of an image, its configuration first; of an index, of its first image. */
async function blobsOf(
  registry: Registry,
  name: string,
  { document }: Pulled,
): Promise<readonly Descriptor[]> {
  if ('layers' in document) return [document.config, ...document.layers];
  const [first] = document.manifests;
  expect(first !== undefined, 'the index has no image');
  const { status, body } = await registry.send(`/v2/${name}/manifests/${first.digest}`);
  expect(status === 200, `of the index, ${first.digest} is answered ${status}`);
  const image = taggedSchema.parse(JSON.parse(body.toString()));
  expect('layers' in image, 'an index in the index');
  return [image.config, ...image.layers];
}
