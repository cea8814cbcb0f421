import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Storage } from '@google-cloud/storage';
import { openSnapshots } from '#core/google/snapshots.ts';
import { EMPTY_SNAPSHOT, makeSnapshot, type Snapshot } from '#core/layer-snapshot.ts';
import { BUCKET, Cloud, PROJECT } from '#test/cloud.ts';
import { storePath } from '#test/worker/pack/trees.ts';

let cloud: Cloud;
before(async () => void (cloud = await Cloud.start()));
after(() => cloud[Symbol.asyncDispose]());

function snapshotOf(name: string): Snapshot {
  const path = storePath(name);
  const library = storePath(`${name}-library`);
  const nodes = [
    { path, narSize: 900_000, references: [library] },
    { path: library, narSize: 5, references: [] },
  ];
  return makeSnapshot(nodes, { roots: [path], inEvery: [], inShells: [] });
}

test('a snapshot is frozen by the first who stores it, and is read as it was', async () => {
  const snapshots = openSnapshots(PROJECT, BUCKET);
  assert.equal(await snapshots.read('snapshots/a'), undefined);
  const workers = ['git', 'curl', 'jq'].map(snapshotOf);
  const seen = await Promise.all(
    workers.map(snapshot => openSnapshots(PROJECT, BUCKET).create('snapshots/a', snapshot, 'r1')),
  );
  const [first] = seen;
  assert.ok(workers.some(({ id }) => id === first?.id));
  for (const snapshot of [...seen, await snapshots.read('snapshots/a')]) assert.deepEqual(snapshot, first);

  // Once more, by whoever did not hear that it was stored.
  assert.deepEqual(await snapshots.create('snapshots/a', snapshotOf('git'), 'r1'), first);
  assert.deepEqual(await snapshots.create('snapshots/b', EMPTY_SNAPSHOT, 'r1'), EMPTY_SNAPSHOT);
  assert.deepEqual(await snapshots.read('snapshots/b'), EMPTY_SNAPSHOT);
});

test('a read that is answered 503, or cut, is tried again, and told of where it stays so', async () => {
  const snapshots = openSnapshots(PROJECT, BUCKET);
  await snapshots.create('snapshots/c', EMPTY_SNAPSHOT, 'r1');
  for (const fault of [
    { effect: 'answer', status: 503, times: 1 },
    { effect: 'cut', times: 1 },
    { effect: 'cut answer', afterBytes: 5, times: 1 },
  ] as const) {
    cloud.storageFaults.push({ ...fault });
    assert.deepEqual(await snapshots.read('snapshots/c'), EMPTY_SNAPSHOT, fault.effect);
  }
  cloud.storageFaults.push({ effect: 'answer', status: 503 });
  await assert.rejects(snapshots.read('snapshots/c'), /^TransientError: cannot read snapshots\/c/);
  cloud.storageFaults.length = 0;
});

test('what is no snapshot is told by its name, and is not replaced', async () => {
  const file = new Storage({ projectId: PROJECT }).bucket(BUCKET).file('snapshots/broken');
  await file.save('not a snapshot');
  const snapshots = openSnapshots(PROJECT, BUCKET);
  const told = /^Error: snapshots\/broken in the bucket is no snapshot of layers/;
  await assert.rejects(snapshots.read('snapshots/broken'), told);
  await assert.rejects(snapshots.create('snapshots/broken', EMPTY_SNAPSHOT, 'r1'), told);
  assert.equal(String((await file.download())[0]), 'not a snapshot');
});
