import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test, type TestContext } from 'node:test';
import { layerKeySchema } from '#core/layer.ts';
import { openBlobs } from '#core/google/blobs.ts';
import { openBlobBucket } from '#core/google/bucket.ts';
import { openLayers } from '#core/google/layers.ts';
import { createBlobStore, type BlobStore } from '#worker/blob-store.ts';
import { createLayerStore, type LayerStore, type PlannedLayer } from '#worker/layer-store.ts';
import { GZIP } from '#worker/pack/gzip.ts';
import { BUCKET, Cloud, PROJECT } from '#test/cloud.ts';
import { temporaryFolder } from './pack/trees.ts';

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

const never = new AbortController().signal;

function open(context: TestContext): { store: LayerStore; spoolFolder: string } {
  const spoolFolder = temporaryFolder(context);
  const { firestore } = cloud;
  const blobStore = createBlobStore({
    bucket: openBlobBucket(PROJECT, BUCKET),
    blobs: openBlobs(firestore),
  });
  return {
    store: createLayerStore({ blobStore, layers: openLayers(firestore), spoolFolder }),
    spoolFolder,
  };
}

/** A layer of one file that no other test has. */
function newLayer(size = 100): PlannedLayer {
  const content = randomBytes(size);
  const key = layerKeySchema.parse(createHash('sha256').update(content).digest('hex'));
  const name = Buffer.from('file');
  return {
    key,
    size,
    narHashes: [],
    compressor: GZIP,
    entries: () => [
      { kind: 'file', name, owner: { uid: 0, gid: 0 }, mode: 0o444, size, content: () => [content] },
    ],
  };
}

describe('layers', () => {
  test('are stored once, and their facts are in the order asked', async context => {
    const { store, spoolFolder } = open(context);
    const [first, second, third] = [newLayer(), newLayer(), newLayer()];
    const done: number[] = [];
    const known = await store.storeAll([second], () => {}, never);
    const facts = await store.storeAll(
      [first, { ...second, entries: () => assert.fail('it is known') }, third],
      count => done.push(count),
      never,
    );
    assert.deepEqual(facts[1], known[0]);
    assert.equal(new Set(facts.map(({ digest }) => digest)).size, 3);
    assert.deepEqual(done, [1, 2, 3]);
    assert.deepEqual(await readdir(spoolFolder), []);
  });

  test('that one of them cannot be packed is the error of all, and nothing stays in the spool', async context => {
    const { store, spoolFolder } = open(context);
    const broken: PlannedLayer = { ...newLayer(), entries: () => Promise.reject(new Error('no such path')) };
    await assert.rejects(
      store.storeAll([newLayer(), broken, newLayer()], () => {}, never),
      {
        message: 'no such path',
      },
    );
    assert.deepEqual(await readdir(spoolFolder), []);
  });

  test('T5, N2: a fact is written after its blob, never before', async context => {
    const layers = openLayers(cloud.firestore);
    const layer = newLayer();
    const full: BlobStore = {
      store: () => Promise.reject(new Error('the bucket is full')),
      check: () => assert.fail('nothing is to be looked at'),
    };
    const store = createLayerStore({ blobStore: full, layers, spoolFolder: temporaryFolder(context) });
    await assert.rejects(
      store.storeAll([layer], () => {}, never),
      { message: 'the bucket is full' },
    );
    assert.equal((await layers.readAll([layer.key])).size, 0);
  });

  test('the largest is begun first, whatever the order asked for', async context => {
    const { store } = open(context);
    const begun: number[] = [];
    const planned = [100, 3000, 20].map(size => {
      const layer = newLayer(size);
      const entries = (): ReturnType<PlannedLayer['entries']> => {
        begun.push(size);
        return layer.entries();
      };
      return { ...layer, entries };
    });
    const facts = await store.storeAll(planned, () => {}, never);
    assert.deepEqual(begun, [3000, 100, 20]);
    assert.deepEqual(await store.storeAll(planned, () => {}, never), facts);
  });

  test('that two builds need at once are packed once', async context => {
    const { store } = open(context);
    let read = 0;
    const shared = newLayer();
    const counted = (): ReturnType<PlannedLayer['entries']> => {
      read += 1;
      return shared.entries();
    };
    const build = (): Promise<unknown> =>
      store.storeAll([{ ...shared, entries: counted }, newLayer()], () => {}, never);
    await Promise.all([build(), build(), build()]);
    assert.equal(read, 1);
  });

  test('go on where the build that packed them first is given up', async context => {
    const { store } = open(context);
    const stop = new AbortController();
    const shared = newLayer();
    const stuck = Promise.withResolvers<never>();
    const reading = Promise.withResolvers<void>();
    const entries = (): Promise<never> => {
      reading.resolve();
      return stuck.promise;
    };
    const first = store.storeAll([{ ...shared, entries }], () => {}, stop.signal);
    await reading.promise;
    const second = store.storeAll([shared], () => {}, never);
    stop.abort(new Error('the lease is lost'));
    stuck.reject(new Error('the lease is lost'));
    await assert.rejects(first, { message: 'the lease is lost' });
    assert.equal((await second).length, 1);
  });

  // From 8 MiB on an upload is resumable.
  for (const size of [100, 9 << 20]) {
    test(`of ${size} bytes are left when the work is to end, though Cloud Storage says nothing`, async context => {
      const asked = Promise.withResolvers<void>();
      const mute = createServer(() => asked.resolve()).listen(0, '127.0.0.1');
      await once(mute, 'listening');
      const address = process.env['STORAGE_EMULATOR_HOST'];
      process.env['STORAGE_EMULATOR_HOST'] = `http://127.0.0.1:${(mute.address() as AddressInfo).port}`;
      context.after(() => {
        process.env['STORAGE_EMULATOR_HOST'] = address;
        mute.close().closeAllConnections();
      });
      const { store, spoolFolder } = open(context);
      const stop = new AbortController();
      const stored = store.storeAll([newLayer(size)], () => {}, stop.signal);
      await asked.promise;
      stop.abort(new Error('enough'));
      await assert.rejects(stored, { message: 'enough' });
      assert.deepEqual(await readdir(spoolFolder), []);
    });
  }
});
