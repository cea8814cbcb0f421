// Who works on blobs: builds, by the worker's own code, and the janitor, by the transitions of a blob's life.
import { adopt, condemn, expire, inspect, isRemovable } from '#core/blob-life.ts';
import { digestOf, type Digest } from '#core/digest.ts';
import { TransientError } from '#core/errors.ts';
import type { BlobContent } from '#core/google/bucket.ts';
import type { Manifest } from '#core/google/manifests.ts';
import { createBlobStore } from '#worker/blob-store.ts';
import { createMend } from '#worker/mend.ts';
import { publishWhole } from '#worker/publish-whole.ts';
import type { Actor, World } from './world.ts';

/** Longer than it takes to record what was written, and shorter than anything that is believed for an hour. Milliseconds. */
export const GRACE_MS = 4_000;
export const TOMBSTONE_MS = 4_000;

const never = new AbortController().signal;
const silent = { info: () => {}, warn: () => {} };

function contentOf(name: string): BlobContent {
  const bytes = Buffer.from(name);
  return { digest: digestOf(bytes), size: bytes.length, crc32c: `of ${name}`, from: { bytes } };
}

/** Builds an image of layers: those that are known are believed, others are packed. */
export function build(world: World, image: string, layers: readonly string[]) {
  return async (actor: Actor): Promise<void> => {
    const blobStore = createBlobStore({ bucket: world.bucket(actor), blobs: world.blobs(actor) });
    const mend = createMend({
      blobStore,
      layers: {
        forget: async digest => {
          await actor.turn();
          forgetFacts(world, digest);
        },
      },
    });
    async function store(name: string): Promise<Digest> {
      const content = contentOf(name);
      await blobStore.store(content, never);
      return content.digest;
    }
    async function make(): Promise<Manifest> {
      await actor.turn();
      const known = layers.map(layer => world.facts.get(layer));
      const blobs: Digest[] = [];
      for (const [at, layer] of layers.entries()) {
        let digest = known[at];
        if (digest === undefined) {
          digest = await store(layer);
          await actor.turn();
          world.facts.set(layer, world.facts.get(layer) ?? digest);
        }
        blobs.push(digest);
      }
      blobs.push(await store(`config of ${layers.join()}`));
      const bytes = Buffer.from(blobs.join());
      return { digest: digestOf(bytes), mediaType: 'image', bytes, blobs };
    }
    const publish = async ({ blobs = [] }: Manifest) => {
      await actor.turn();
      return world.publish(image, blobs);
    };
    try {
      await publishWhole({ publish, mend, remake: make, log: silent, signal: never }, await make());
    } catch (error) {
      // The build is tried again then.
      if (!(error instanceof TransientError)) throw error;
    }
  };
}

/** One sweep of the janitor: every document and every object, a step at a time. */
export function sweep(world: World) {
  return async (actor: Actor): Promise<void> => {
    const { documents, objects, clock } = world;
    for (const digest of world.known()) {
      await actor.turn();
      const seen = await documents.read(digest);
      const { document } = seen;
      if (document === undefined) continue;
      const isNamed = world.isNamed(digest);
      const next =
        expire(document, { isNamed, graceMs: GRACE_MS }, clock.now) ??
        condemn(document, { isNamed, tombstoneMs: TOMBSTONE_MS }, clock.now);
      if (next !== undefined) {
        await documents.writeIfUnchanged(digest, seen, next);
        if (next.tombstone?.stage === 'final') forgetFacts(world, digest);
      }
      if (next?.tombstone?.stage !== 'final' && document.tombstone?.stage !== 'final') continue;

      await actor.turn();
      const object = objects.get(digest);
      if (object?.generation === document.generation) objects.delete(digest);
      await actor.turn();
      const latest = await documents.read(digest);
      if (isRemovable(latest.document, document.generation))
        await documents.deleteIfUnchanged(digest, latest);
    }

    await actor.turn();
    for (const [digest, object] of new Map(objects)) {
      if (clock.now - object.createdAt < GRACE_MS) continue;
      await actor.turn();
      await documents.change(digest, (document, now) => ({
        next: adopt(document, object, now),
        result: undefined,
      }));
    }
  };
}

/** The janitor looks whether what is served is there. */
export function inspectAll(world: World) {
  return async (actor: Actor): Promise<void> => {
    const { documents } = world;
    for (const digest of world.known()) {
      await actor.turn();
      const seen = await documents.read(digest);
      await actor.turn();
      const result = inspect(seen.document, world.objects.get(digest), seen.readTime);
      await actor.turn();
      if (result.kind === 'whole') await documents.writeIfUnchanged(digest, seen, result.next);
      if (result.kind === 'lost' && (await documents.deleteIfUnchanged(digest, seen)))
        forgetFacts(world, digest);
    }
  };
}

/** An image that nobody uses any more goes. */
export function drop(world: World, image: string) {
  return async (actor: Actor): Promise<void> => {
    await actor.turn();
    world.manifests.delete(image);
  };
}

function forgetFacts({ facts }: World, digest: Digest): void {
  for (const [layer, became] of facts) if (became === digest) facts.delete(layer);
}
