// Bucket and documents in memory, and whoever works on them: everyone waits for a turn before each step, a step is done at
// once, and who is next is chosen from outside. What is left out between steps is somebody who died.
import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { Firestore } from '@google-cloud/firestore';
import { blobDocumentSchema, isServed, refer, type BlobDocument, type StoredBlob } from '#core/blob-life.ts';
import type { Digest } from '#core/digest.ts';
import { openBlobs, type Blobs, type SeenBlob } from '#core/google/blobs.ts';
import type { BlobBucket, BlobContent } from '#core/google/bucket.ts';
import type { Publication } from '#core/google/image-holding.ts';
import { memoryDocuments, type Memory } from '#test/core/image-life-model/memory.ts';

/** Never connected: documents are in memory. */
const firestore = new Firestore({ projectId: 'none' });

interface StoredObject extends StoredBlob {
  readonly createdAt: number;
}

export interface Actor {
  /** Waits for this actor's turn. */
  readonly turn: () => Promise<void>;
}

export interface Playing {
  /** What it waits to do: some of it at the same time. */
  readonly waiting: (() => void)[];
  isOver: boolean;
}

export class World {
  readonly clock = { now: 1_700_000_000_000 };
  readonly objects = new Map<Digest, StoredObject>();
  readonly documents: Memory<Digest, BlobDocument>;
  /** What each layer became, by the name of what is in it. */
  readonly facts = new Map<string, Digest>();
  /** What is served: each manifest by the image that has it, and the blobs that it names. */
  readonly manifests = new Map<string, readonly Digest[]>();
  readonly #playing: Playing[] = [];
  readonly #known = new Set<Digest>();
  #generations = 0;

  constructor() {
    const alongside = undefined as never;
    this.documents = memoryDocuments(this.clock, blobDocumentSchema, alongside);
  }

  /** Somebody begins to work, and goes on by turns. What it throws is thrown by {@link step}. */
  play(work: (actor: Actor) => Promise<void>): Playing {
    const playing: Playing = { waiting: [], isOver: false };
    const actor: Actor = {
      turn: () =>
        new Promise(resolve => {
          playing.waiting.push(resolve);
        }),
    };
    this.#playing.push(playing);
    void work(actor).then(
      () => {
        playing.isOver = true;
      },
      (error: unknown) => {
        playing.isOver = true;
        this.#failure ??= error instanceof Error ? error : new Error(String(error));
      },
    );
    return playing;
  }

  #failure: Error | undefined;

  /** The next step of one of those at work, or of this one. Answers whether there was one. */
  async step(choice: number, only?: Playing): Promise<boolean> {
    await setImmediate();
    const ready = this.#playing.filter(
      one => one.waiting.length > 0 && !one.isOver && (only === undefined || one === only),
    );
    const next = ready[choice % Math.max(1, ready.length)];
    if (next === undefined) return false;
    next.waiting.shift()?.();
    await setImmediate();
    if (this.#failure !== undefined) throw this.#failure;
    return true;
  }

  /** One of those at work dies where it is. */
  kill(choice: number): void {
    const alive = this.#playing.filter(({ isOver }) => !isOver);
    const victim = alive[choice % Math.max(1, alive.length)];
    if (victim !== undefined) victim.isOver = true;
  }

  /** All that are at work come to their ends, or this one while the others stand still. */
  async finish(only?: Playing): Promise<void> {
    while (await this.step(0, only));
  }

  blobs(actor: Actor): Blobs {
    const blobs = openBlobs(firestore, this.documents);
    return {
      ...blobs,
      see: async digest => (await actor.turn(), blobs.see(digest)),
      record: async (...all) => (await actor.turn(), blobs.record(...all)),
      recordFound: async (...all) => (await actor.turn(), blobs.recordFound(...all)),
      adopt: async (...all) => (await actor.turn(), blobs.adopt(...all)),
      forget: async (...all) => (await actor.turn(), blobs.forget(...all)),
    };
  }

  bucket(actor: Actor): Pick<BlobBucket, 'put' | 'replace' | 'look'> {
    return {
      put: async content => {
        await actor.turn();
        const there = this.objects.get(content.digest);
        return there === undefined ? { ...this.#write(content), isNew: true } : { ...there, isNew: false };
      },
      replace: async (content, generation) => {
        await actor.turn();
        return this.objects.get(content.digest)?.generation === generation ? this.#write(content) : undefined;
      },
      look: async digest => (await actor.turn(), this.objects.get(digest)),
    };
  }

  #write({ digest, size, crc32c }: BlobContent): StoredObject {
    this.#known.add(digest);
    this.#generations += 1;
    // Unique, and in no order: that is all that Cloud Storage promises.
    const generation = String((this.#generations * 7_919) % 100_003);
    const object = { size, crc32c, generation, createdAt: this.clock.now };
    this.objects.set(digest, object);
    return object;
  }

  /** As images.publish does it in its transaction. */
  async publish(image: string, blobs: readonly Digest[]): Promise<Publication> {
    const named: { readonly digest: Digest; readonly seen: SeenBlob }[] = [];
    for (const digest of blobs) named.push({ digest, seen: await this.documents.read(digest) });
    const { now } = this.clock;
    const judged = named.map(one => ({ ...one, reference: refer(one.seen.document, now) }));
    const missing = judged.filter(({ reference }) => reference.kind === 'missing');
    const unseen = judged.filter(({ reference }) => reference.kind === 'unseen');
    if (missing.length + unseen.length > 0) {
      return { kind: 'refused', missing: missing.map(({ digest }) => digest), unseen, children: [] };
    }
    for (const { digest, seen, reference } of judged) {
      if (reference.kind === 'there' && reference.next !== undefined) {
        await this.documents.writeIfUnchanged(digest, seen, reference.next);
      }
    }
    this.manifests.set(image, blobs);
    return { kind: 'published', waiting: [] };
  }

  /** All blobs that there was ever a document or an object of. */
  known(): Digest[] {
    return [...this.#known];
  }

  isNamed(digest: Digest): boolean {
    return [...this.manifests.values()].some(blobs => blobs.includes(digest));
  }

  /** What must be true at every moment: whatever a manifest names can be had, and stays. */
  async check(): Promise<void> {
    for (const [image, blobs] of this.manifests) {
      for (const digest of blobs) {
        assert.ok(this.objects.has(digest), `${image} names ${digest}, which is not in the bucket`);
        const { document } = await this.documents.read(digest);
        assert.ok(isServed(document), `${image} names ${digest}, which is not served`);
      }
    }
  }
}
