// How long a process goes by what it has seen of manifests, and what it answers while Firestore does not.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { digestOf, type Digest } from '#core/digest.ts';
import { createManifestCache } from '#core/google/manifest-cache.ts';

const TRUSTED_MS = 60_000;
const ANSWERED_MS = 10 * TRUSTED_MS;
const digest = digestOf('a manifest');
const manifest = { bytes: Buffer.from('a manifest') };

/** A cache that has seen the manifest, on a clock that the test moves. */
async function atHand() {
  const stored = new Map<Digest, typeof manifest>([[digest, manifest]]);
  const state = { at: 0, reads: 0, trouble: undefined as (() => Promise<unknown>) | undefined };
  const cache = createManifestCache({
    readStored: async asked => {
      state.reads += 1;
      await state.trouble?.();
      return stored.get(asked);
    },
    cacheBytes: 1_000_000,
    trustedMs: TRUSTED_MS,
    answeredMs: ANSWERED_MS,
    now: () => state.at,
  });
  assert.equal(await cache.read(digest), manifest);
  return { cache, state, stored };
}

describe('a manifest that was seen', () => {
  test('is gone by for a time, then looked at again, once for all who ask', async () => {
    const { cache, state } = await atHand();
    state.at = TRUSTED_MS - 1;
    assert.equal(cache.trusted(digest), manifest);
    assert.equal(await cache.read(digest), manifest);
    assert.equal(state.reads, 1);
    state.at = TRUSTED_MS;
    assert.equal(cache.trusted(digest), undefined);
    const answers = await Promise.all(Array.from({ length: 100 }, () => cache.read(digest)));
    assert.deepEqual(new Set(answers), new Set([manifest]));
    assert.equal(state.reads, 2);
    assert.equal(cache.trusted(digest), manifest);
  });

  test('and was deleted is answered no longer than for that time', async () => {
    const { cache, state, stored } = await atHand();
    stored.delete(digest);
    state.at = TRUSTED_MS - 1;
    assert.equal(await cache.read(digest), manifest);
    state.at = TRUSTED_MS;
    assert.equal(await cache.read(digest), undefined);
    state.trouble = unreachable;
    await assert.rejects(cache.read(digest), { code: 14 }, 'it is forgotten');
  });

  test('is trusted from when a look began, not from its end', async () => {
    const { cache, state } = await atHand();
    state.at = TRUSTED_MS;
    const slow = Promise.withResolvers<void>();
    state.trouble = () => slow.promise;
    const answer = cache.read(digest);
    state.at += TRUSTED_MS / 2;
    slow.resolve();
    assert.equal(await answer, manifest);
    state.at = 2 * TRUSTED_MS;
    assert.equal(cache.trusted(digest), undefined);
    state.trouble = unreachable;
    state.at = TRUSTED_MS + ANSWERED_MS - 1;
    assert.equal(await cache.read(digest), manifest);
    state.at += 1;
    await assert.rejects(cache.read(digest), { code: 14 });
  });

  test('is no answer where what is stored cannot be read', async () => {
    const { cache, state } = await atHand();
    state.at = TRUSTED_MS;
    state.trouble = () => Promise.reject(new Error('a document of another version'));
    await assert.rejects(cache.read(digest), /another version/);
  });
});

const unreachable = (): Promise<never> =>
  Promise.reject(Object.assign(new Error('no connection'), { code: 14 }));

for (const [how, trouble] of [
  ['refuses', unreachable],
  ['stays silent', () => new Promise<never>(() => {})],
] as const) {
  test(`T10: while Firestore ${how}, a manifest that was seen is answered, and few answers wait`, async () => {
    const { cache, state } = await atHand();
    state.at = ANSWERED_MS / 2;
    state.trouble = trouble;
    assert.equal(await cache.read(digest), manifest);
    assert.equal(state.reads, 2);
    for (let more = 0; more < 10; more += 1) assert.equal(await cache.read(digest), manifest);
    assert.equal(state.reads, 2, 'nobody asks again at once');
    state.at += 5_000;
    assert.equal(cache.trusted(digest), undefined, 'but after a while');
  });
}

test('T7: while Firestore is silent, no manifest is answered whose blobs may be gone', async () => {
  const { cache, state } = await atHand();
  state.trouble = unreachable;
  state.at = ANSWERED_MS - 1;
  assert.equal(await cache.read(digest), manifest);
  state.at = ANSWERED_MS;
  assert.equal(cache.trusted(digest), undefined);
  await assert.rejects(cache.read(digest), { code: 14 });
  state.trouble = undefined;
  assert.equal(await cache.read(digest), manifest, 'it was there all the time');
});

for (const [when, before] of [
  ['', 0],
  [', or will be in a moment', 1],
] as const) {
  test(`T10: a Firestore that is slow is waited for where nothing else is an answer${when}`, async context => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const { cache, state } = await atHand();
    state.at = ANSWERED_MS - before;
    const slow = Promise.withResolvers<void>();
    state.trouble = () => slow.promise;
    const answer = cache.read(digest);
    state.at += 2_000;
    context.mock.timers.tick(2_000);
    await setImmediate();
    slow.resolve();
    assert.equal(await answer, manifest);
  });
}

test('T7: nor is one that came to be too old while Firestore was waited for', async () => {
  const { cache, state } = await atHand();
  state.at = ANSWERED_MS - 1;
  state.trouble = () => {
    state.at = ANSWERED_MS;
    return unreachable();
  };
  await assert.rejects(cache.read(digest), { code: 14 });
});

test('T10: when Firestore answers again, what is gone is gone', async () => {
  const { cache, state, stored } = await atHand();
  state.at = TRUSTED_MS;
  state.trouble = unreachable;
  stored.delete(digest);
  assert.equal(await cache.read(digest), manifest);
  state.trouble = undefined;
  state.at += 5_000;
  assert.equal(await cache.read(digest), undefined);
});
