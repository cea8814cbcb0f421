// What workers have left in the stand-ins, and a janitor among it, with a clock that can be set forward.
import assert from 'node:assert/strict';
import { Storage } from '@google-cloud/storage';
import { crc32c, formatCrc32c } from '#core/crc32c.ts';
import { digestOf, type Digest } from '#core/digest.ts';
import { blobName, openBucketContents } from '#core/google/bucket-contents.ts';
import { openBlobBucket } from '#core/google/bucket.ts';
import { openBlobs, type Blobs } from '#core/google/blobs.ts';
import { openLayers } from '#core/google/layers.ts';
import type { Manifest } from '#core/google/manifests.ts';
import { openRounds } from '#core/google/rounds.ts';
import { layerKeySchema } from '#core/layer.ts';
import { MEDIA_TYPES } from '#core/oci.ts';
import { collect, type SweepReport } from '#functions/janitor/collect.ts';
import type { Outcome, Sweep, Workplace } from '#functions/janitor/sweep.ts';
import { allSweeps } from '#functions/janitor/sweeps.ts';
import { collectLog } from '#test/collected-log.ts';
import { BUCKET, claimant, Cloud, PROJECT, type Asked } from '#test/cloud.ts';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** As where nothing else is set. */
export const RETENTION = { keepMs: 30 * DAY_MS, graceMs: 7 * DAY_MS, tombstoneMs: DAY_MS };

type Counts = Partial<Record<Outcome, number>>;

export class Yard implements AsyncDisposable {
  readonly cloud: Cloud;
  readonly bucket = openBlobBucket(PROJECT, BUCKET);
  readonly blobs: Blobs;
  readonly rawBucket = new Storage({ projectId: PROJECT }).bucket(BUCKET);
  readonly log = collectLog();
  readonly #clock: { aheadMs: number };

  private constructor(cloud: Cloud, clock: { aheadMs: number }) {
    this.cloud = cloud;
    this.blobs = openBlobs(cloud.firestore);
    this.#clock = clock;
  }

  static async open(): Promise<Yard> {
    const clock = { aheadMs: 0 };
    return new Yard(await Cloud.start({ wallClock: () => Date.now() + clock.aheadMs }), clock);
  }

  /** The clock of Firestore and of the bucket, by which everything is decided, goes forward. */
  later(milliseconds: number): void {
    this.#clock.aheadMs += milliseconds;
  }

  /** Without what earlier tests have left behind. */
  async clear(): Promise<void> {
    const collections = await this.cloud.firestore.listCollections();
    for (const collection of collections) {
      const { docs } = await collection.get();
      await Promise.all(docs.map(({ ref }) => ref.delete()));
    }
    await this.rawBucket.deleteFiles({ prefix: '' });
    await this.cloud.takeHints('refresh');
  }

  /** A layer as a worker stores one: object, document, fact. */
  async storeBlob(text: string): Promise<Digest> {
    const bytes = Buffer.from(text);
    const digest = digestOf(bytes);
    const content = { digest, size: bytes.length, crc32c: formatCrc32c(crc32c(bytes)), from: { bytes } };
    await this.blobs.record(digest, await this.bucket.put(content));
    const key = layerKeySchema.parse(digestOf(`key of ${text}`).slice('sha256:'.length));
    await openLayers(this.cloud.firestore).record(key, { digest, diffId: digest, size: bytes.length }, []);
    return digest;
  }

  /** An image of these blobs, the first being its config, made by a worker for somebody who pulls. */
  async publish(blobs: readonly Digest[], asked?: Asked): Promise<Asked & { readonly manifest: Manifest }> {
    const image = asked ?? (await this.cloud.newQueued());
    const [config, ...layers] = blobs.map(digest => ({ digest }));
    const bytes = Buffer.from(JSON.stringify({ config, layers }));
    const manifest = { digest: digestOf(bytes), mediaType: MEDIA_TYPES.manifest, bytes, blobs };
    await this.cloud.images.claim(image.key, claimant(image.name));
    const { readTime: checkedAt } = await this.cloud.images.read(image.key);
    const publication = await this.cloud.images.publish(image.key, image.name, {
      manifest,
      revision: 'r1',
      checkedAt,
    });
    assert.equal(publication.kind, 'published');
    return { ...image, manifest };
  }

  /** What a janitor of these times works with. */
  place(changes: Partial<Workplace> = {}): Workplace {
    const { firestore, images, sources, hints } = this.cloud;
    const bucket = openBucketContents(PROJECT, BUCKET);
    const { blobs } = this;
    return {
      firestore,
      images,
      sources,
      hints,
      blobs,
      bucket,
      retention: RETENTION,
      dryRun: false,
      ...changes,
    };
  }

  /** One run of a janitor over everything, or over the sweeps of these names: what each did besides keeping. */
  async collect(only?: readonly string[], changes: Partial<Workplace> = {}): Promise<Record<string, Counts>> {
    const place = this.place(changes);
    const sweeps = allSweeps(place).filter(({ name }) => only?.includes(name) ?? true);
    const reports = await this.run(sweeps, place.dryRun);
    return Object.fromEntries(
      reports.flatMap(({ sweep, counts: { kept: _kept, ...done } }) =>
        Object.keys(done).length === 0 ? [] : [[sweep, done]],
      ),
    );
  }

  run(sweeps: readonly Sweep[], dryRun = false, limitMs = 60_000): Promise<readonly SweepReport[]> {
    const { log } = this.log;
    const rounds = openRounds(this.cloud.firestore);
    return collect({ sweeps, rounds, log }, { dryRun, limitMs, restless: true });
  }

  async exists(collection: string, id: string): Promise<boolean> {
    return (await this.cloud.firestore.collection(collection).doc(id).get()).exists;
  }

  async hasObject(digest: Digest): Promise<boolean> {
    const [exists] = await this.rawBucket.file(blobName(digest)).exists();
    return exists;
  }

  /** Everything there is, to be compared. */
  async everything(): Promise<unknown> {
    const collections = await this.cloud.firestore.listCollections();
    const snapshots = await Promise.all(collections.map(collection => collection.get()));
    const documents = snapshots.flatMap(({ docs }) =>
      docs.map(({ ref, updateTime }) => `${ref.path} ${updateTime.toDate().toISOString()}`),
    );
    const [files] = await this.rawBucket.getFiles();
    return { documents, objects: files.map(({ name, metadata }) => `${name} ${metadata.generation}`) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cloud[Symbol.asyncDispose]();
  }
}
