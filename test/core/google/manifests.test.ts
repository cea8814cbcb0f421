import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Firestore } from '@google-cloud/firestore';
import { digestOf } from '#core/digest.ts';
import { openManifests, storeManifest } from '#core/google/manifests.ts';
import { Cloud } from '#test/cloud.ts';
import { countFirestoreCalls } from '#test/firestore-calls.ts';
import { published } from '#test/published.ts';

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

async function stored(text: string) {
  const { manifest } = published(text);
  await cloud.firestore.runTransaction(async transaction =>
    storeManifest(cloud.firestore, manifest)(transaction),
  );
  return manifest.digest;
}

test('a manifest is read once for all who ask at the same time, and then kept', async () => {
  const digest = await stored('for all');
  const manifests = openManifests(cloud.firestore);
  using calls = countFirestoreCalls();
  for (const manifest of await Promise.all(Array.from({ length: 100 }, () => manifests.read(digest)))) {
    assert.equal(Buffer.from(manifest?.bytes ?? []).toString(), 'for all');
  }
  await manifests.read(digest);
  assert.ok(manifests.kept(digest));
  assert.equal(calls.ended('BatchGetDocuments'), 1);
});

test('that there is none is not kept', async () => {
  const manifests = openManifests(cloud.firestore);
  assert.equal(await manifests.read(digestOf('later')), undefined);
  await stored('later');
  assert.ok(await manifests.read(digestOf('later')));
});

test('what is kept has a bound in bytes: those that were asked for longest ago go', async () => {
  const digests = await Promise.all(['a', 'b', 'c'].map(letter => stored(letter.repeat(40_000))));
  const manifests = openManifests(cloud.firestore, { cacheBytes: 100_000 });
  for (const digest of digests) await manifests.read(digest);
  assert.deepEqual(
    digests.map(digest => manifests.kept(digest) !== undefined),
    [false, true, true],
  );
});

describe('what is at hand', () => {
  const TRUSTED_MS = 60_000;

  /** Manifests on an hour hand that the test moves, and a Firestore that can be made to fail, with its reads counted. */
  async function atHand(text: string) {
    const state = { at: 0, reads: 0, failing: undefined as (() => Promise<never>) | undefined };
    const collection = new Proxy(cloud.firestore.collection('manifests'), {
      get: (target, name: keyof typeof target) =>
        name === 'doc'
          ? (id: string) => {
              const reference = target.doc(id);
              const get = () => ((state.reads += 1), state.failing?.() ?? reference.get());
              return { get };
            }
          : target[name],
    });
    const firestore = { collection: () => collection } as unknown as Firestore;
    const manifests = openManifests(firestore, { trustedMs: TRUSTED_MS, now: () => state.at });
    const digest = await stored(text);
    assert.ok(await manifests.read(digest));
    return { manifests, digest, state, reference: cloud.firestore.collection('manifests').doc(digest) };
  }

  test('is gone by for a time, then looked at again, once for all who ask', async () => {
    const { manifests, digest, state } = await atHand('looked at again');
    state.at = TRUSTED_MS - 1;
    assert.ok(manifests.kept(digest) && (await manifests.read(digest)));
    assert.equal(state.reads, 1);
    state.at = TRUSTED_MS;
    assert.equal(manifests.kept(digest), undefined);
    for (const manifest of await Promise.all(Array.from({ length: 100 }, () => manifests.read(digest)))) {
      assert.ok(manifest);
    }
    assert.equal(state.reads, 2);
    assert.ok(manifests.kept(digest));
  });

  test('and was deleted is answered no longer than for that time', async () => {
    const { manifests, digest, state, reference } = await atHand('deleted');
    await reference.delete();
    state.at = TRUSTED_MS - 1;
    assert.ok(await manifests.read(digest));
    state.at = TRUSTED_MS;
    assert.equal(await manifests.read(digest), undefined);
    state.at = 0;
    assert.equal(manifests.kept(digest), undefined, 'and is forgotten');
  });

  test('is gone by again from the look with which its use is noted', async () => {
    const { manifests, digest, state, reference } = await atHand('used');
    state.at = TRUSTED_MS - 1;
    await manifests.noteUse(digest, 3_600_000);
    state.at = 2 * TRUSTED_MS - 2;
    assert.ok(manifests.kept(digest));
    await reference.delete();
    assert.equal(await manifests.noteUse(digest, 3_600_000), 0);
    assert.equal(manifests.kept(digest), undefined);
  });

  const unreachable = Object.assign(new Error('no connection'), { code: 14 });
  for (const [how, failing] of [
    ['refuses', () => Promise.reject(unreachable)],
    ['stays silent', () => new Promise<never>(() => {})],
  ] as const) {
    test(`T10: while Firestore ${how}, it is answered however old it is, and not every answer waits`, async () => {
      const { manifests, digest, state } = await atHand(how);
      state.at = 1_000 * TRUSTED_MS;
      state.failing = failing;
      assert.ok(await manifests.read(digest));
      assert.equal(state.reads, 2);
      assert.ok(manifests.kept(digest) && (await manifests.read(digest)));
      assert.equal(state.reads, 2, 'nobody asks again at once');
      state.at += 5_000;
      assert.ok(await manifests.read(digest));
    });
  }

  test('T10: after a Firestore that was silent, what is gone is gone', async () => {
    const { manifests, digest, state, reference } = await atHand('gone meanwhile');
    state.at = TRUSTED_MS;
    state.failing = () => Promise.reject(unreachable);
    await reference.delete();
    assert.ok(await manifests.read(digest));
    state.failing = undefined;
    state.at += 5_000;
    assert.equal(await manifests.read(digest), undefined);
  });

  test('is no answer to a document that this code does not know', async () => {
    const { manifests, digest, state, reference } = await atHand('of another version');
    await reference.set({ mediaType: 7 });
    state.at = TRUSTED_MS;
    await assert.rejects(manifests.read(digest), { name: 'ZodError' });
  });
});
