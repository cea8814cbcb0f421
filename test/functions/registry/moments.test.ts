// What may happen between two requests of one pull, and beside it.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { openBlobs } from '#core/google/blobs.ts';
import { digestOf } from '#core/digest.ts';
import { MEDIA_TYPES } from '#core/oci.ts';
import { claimant, Cloud } from '#test/cloud.ts';
import { SETTINGS } from '#test/core/deployment.ts';
import { published } from '#test/published.ts';
import { readyImage } from './ready-image.ts';
import { onBothServers, Served } from './served.ts';
import { specError } from './spec-errors.ts';

describe('between two requests of a pull', () => {
  let cloud: Cloud;
  let served: Served;
  before(async () => {
    cloud = await Cloud.start();
    served = await Served.start('node:http', cloud, 60_000);
  });
  after(async () => {
    await served[Symbol.asyncDispose]();
    await cloud[Symbol.asyncDispose]();
  });

  test('T24: the tag moves: what it was is still there by the digest that was told', async () => {
    const { name, key, request } = await readyImage(cloud, 'first');
    const head = await served.send(`/v2/${name}/manifests/latest`, { method: 'HEAD' });
    const told = String(head.headers['docker-content-digest']);
    const seen = await cloud.images.read(key);
    await cloud.images.queue(key, request, { by: 'refresh', settings: SETTINGS }, seen);
    await cloud.images.claim(key, claimant('worker'));
    await cloud.images.publish(key, 'worker', published('second', { revision: 'r2' }));
    assert.equal((await served.send(`/v2/${name}/manifests/${told}`)).body.toString(), 'first');
    const now = await served.send(`/v2/${name}/manifests/latest`);
    assert.equal(now.body.toString(), 'second');
    assert.equal(now.headers['docker-content-digest'], digestOf('second'));
  });

  test('T9: a blob that is lost, or being deleted, is 404, and never 200 without the bytes', async () => {
    const digest = digestOf('condemned');
    const documents = cloud.firestore.collection('blobs');
    await openBlobs(cloud.firestore).record(digest, { size: 9, crc32c: 'AAAAAA==', generation: '1' });
    const path = `/v2/a/blobs/${digest}`;
    assert.equal((await served.send(path)).status, 307);
    const tombstone = (stage: string) => ({ tombstone: { placedAt: new Date(), stage } });
    await documents.doc(digest).update(tombstone('liftable'));
    assert.equal((await served.send(path)).status, 307, 'it can still be taken up again');
    for (const lose of [
      () => documents.doc(digest).update(tombstone('final')),
      () => documents.doc(digest).delete(),
    ]) {
      await lose();
      assert.equal(specError(await served.send(path), 404).code, 'BLOB_UNKNOWN');
      assert.equal((await served.send(path, { method: 'HEAD' })).status, 404);
    }
  });
});

onBothServers('T32: a registry', 60_000, served => {
  test('that is asked for a thousand types, or a thousand ranges, answers as if it were one', async () => {
    const { name, image } = await readyImage(served().cloud, 'asked for by all means');
    const types = Array.from({ length: 1_000 }, (_, at) => `a/b${at}`);
    const accept = [...types, MEDIA_TYPES.manifest].join(',');
    const answer = await served().send(`/v2/${name}/manifests/latest`, { headers: { accept } });
    assert.equal(answer.headers['docker-content-digest'], image.manifest.digest);

    const layer = digestOf('in pieces');
    await openBlobs(served().cloud.firestore).record(layer, { size: 9, crc32c: 'AAAAAA==', generation: '1' });
    const range = `bytes=${Array.from({ length: 1_000 }, (_, at) => `${at}-${at}`).join(',')}`;
    const sent = await served().send(`/v2/${name}/blobs/${layer}`, { headers: { range } });
    assert.deepEqual([sent.status, sent.body.length], [307, 0], 'ranges are the bucket’s');
  });

  test('answers at once while 300 connections are in the middle of their first line', async () => {
    const half = await Promise.all(
      Array.from({ length: 300 }, async () => {
        const socket = connect({ port: served().port, host: '127.0.0.1' });
        socket.on('error', () => undefined);
        await new Promise<void>(written => {
          socket.write('GET /v2/hello/manif', () => written());
        });
        return socket;
      }),
    );
    try {
      const answers = await Promise.all(Array.from({ length: 50 }, () => served().send('/v2/')));
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    } finally {
      for (const socket of half) socket.destroy();
    }
  });
});
