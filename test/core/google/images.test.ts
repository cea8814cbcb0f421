import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Failure } from '#core/failure.ts';
import { ATTEMPT_LIMIT } from '#core/image-life.ts';
import type { SeenImage } from '#core/google/image-collection.ts';
import type { RequestKey } from '#core/image-request.ts';
import { openManifests } from '#core/google/manifests.ts';
import { claimant, Cloud } from '#test/cloud.ts';
import { SETTINGS } from '#test/core/deployment.ts';
import { published } from '#test/published.ts';

/** A lease that is over before anyone can look: seconds. */
const OVER_AT_ONCE = 0.001;

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

const refusal: Failure = { kind: 'refused', message: 'no' };
const pull = { by: 'pull', settings: SETTINGS } as const;
const refresh = { by: 'refresh', settings: SETTINGS } as const;

describe('queue', () => {
  test('T1: by fifty at once is done by exactly one', async () => {
    const { key, request } = cloud.newImage();
    const seen = await cloud.images.read(key);
    assert.equal(seen.document, undefined);
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => cloud.images.queue(key, request, pull, seen)),
    );
    assert.equal(answers.filter(Boolean).length, 1);
    const { document, readTime } = await cloud.images.read(key);
    assert.deepEqual(document?.request, request);
    assert.equal(document.current, undefined);
    assert.ok(document.build.state === 'queued');
    assert.equal(document.build.by, 'pull');
    assert.equal(document.build.attempts, 0);
    assert.ok(document.build.queuedAt <= readTime, 'queued by the server’s clock');
  });

  test('of a failed image by many at once is done by exactly one', async () => {
    const { key, request } = await cloud.newQueued();
    await cloud.images.claim(key, claimant('a'));
    await cloud.images.fail(key, 'a', refusal, 'r1');
    const seen = await cloud.images.read(key);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => cloud.images.queue(key, request, refresh, seen)),
    );
    assert.equal(answers.filter(Boolean).length, 1);
    const build = await cloud.buildOf(key);
    assert.ok(build.state === 'queued');
    assert.equal(build.by, 'refresh');
  });

  test('changes nothing where the document was changed since it was seen', async () => {
    const { key, request } = await cloud.newQueued();
    const seen = await cloud.images.read(key);
    await cloud.images.claim(key, claimant('a'));
    assert.equal(await cloud.images.queue(key, request, pull, seen), false);
    assert.equal((await cloud.buildOf(key)).state, 'building');
  });

  test('of what is under way changes nothing, and raising what someone waits for neither', async () => {
    const { key, request } = await cloud.newQueued();
    const queued = await cloud.images.read(key);
    assert.equal(await cloud.images.queue(key, request, refresh, queued), false);
    assert.equal(await cloud.images.raise(key, queued), false);
    await cloud.images.claim(key, claimant('a'));
    const building = await cloud.images.read(key);
    assert.equal(await cloud.images.queue(key, request, refresh, building), false);
    assert.equal(await cloud.images.raise(key, building), false);
    assert.deepEqual((await cloud.images.read(key)).document, building.document);
  });

  test('of a refresh that someone waits for now is raised by exactly one of many', async () => {
    const { key } = await cloud.newQueued('refresh');
    const seen = await cloud.images.read(key);
    const answers = await Promise.all(Array.from({ length: 20 }, () => cloud.images.raise(key, seen)));
    assert.equal(answers.filter(Boolean).length, 1);
    const build = await cloud.buildOf(key);
    assert.ok(build.state === 'queued');
    assert.equal(build.by, 'pull');
  });

  test('keeps the image that is there', async () => {
    const { key, request } = await cloud.newQueued();
    await cloud.images.claim(key, claimant('a'));
    const made = published('kept');
    await cloud.images.publish(key, 'a', made);
    assert.equal(await cloud.images.queue(key, request, refresh, await cloud.images.read(key)), true);
    const { document } = await cloud.images.read(key);
    assert.equal(document?.current?.digest, made.manifest.digest);
    assert.equal(document.build.state, 'queued');
  });
});

describe('claim', () => {
  test('by ten at once is given to exactly one', async () => {
    const { key } = await cloud.newQueued('refresh');
    const tokens = Array.from({ length: 10 }, (_, i) => `worker-${i}`);
    const results = await Promise.all(tokens.map(token => cloud.images.claim(key, claimant(token))));
    const winners = tokens.filter((_, i) => results[i]?.kind === 'claimed');
    assert.equal(winners.length, 1);
    const build = await cloud.buildOf(key);
    assert.ok(build.state === 'building');
    assert.equal(build.lease.token, winners[0]);
    assert.equal(build.lease.durationSeconds, claimant('a').durationSeconds);
    assert.equal(build.attempts, 1);
    assert.equal(build.by, 'refresh', 'who asked is not forgotten');
    assert.deepEqual(build.phase, { name: 'resolving' });
  });

  test('says what is to be built', async () => {
    const { key, request } = await cloud.newQueued();
    const claim = await cloud.images.claim(key, claimant('a'));
    assert.ok(claim.kind === 'claimed');
    assert.deepEqual(claim.document.request, request);
  });

  test('of what nobody asked for, of what is being built, and of what has ended finds nothing to do', async () => {
    const nothing = { kind: 'nothing-to-do' };
    assert.deepEqual(await cloud.images.claim(cloud.newImage().key, claimant('a')), nothing);
    const { key } = await cloud.newQueued();
    await cloud.images.claim(key, claimant('a'));
    assert.deepEqual(await cloud.images.claim(key, claimant('b')), nothing);
    await cloud.images.fail(key, 'a', refusal, 'r1');
    assert.deepEqual(await cloud.images.claim(key, claimant('b')), nothing);
    const other = await cloud.newQueued();
    await cloud.images.claim(other.key, claimant('a'));
    await cloud.images.publish(other.key, 'a', published('done'));
    assert.deepEqual(await cloud.images.claim(other.key, claimant('b')), nothing);
  });

  test('of a lease that is over, by ten at once, is given to exactly one', async () => {
    const { key } = await cloud.newQueued();
    await cloud.images.claim(key, claimant('vanished', OVER_AT_ONCE));
    await cloud.untilClaimable(key);
    const results = await Promise.all(
      Array.from({ length: 10 }, (_, i) => cloud.images.claim(key, claimant(`worker-${i}`))),
    );
    assert.equal(results.filter(({ kind }) => kind === 'claimed').length, 1);
    const build = await cloud.buildOf(key);
    assert.ok(build.state === 'building');
    assert.equal(build.attempts, 2);
    assert.notEqual(build.lease.token, 'vanished');
  });

  test('T4: is refused after too many tries, which ends the build with the last error', async () => {
    const { key, request } = await cloud.newQueued();
    for (let attempt = 1; attempt <= ATTEMPT_LIMIT; attempt++) {
      assert.equal((await cloud.images.claim(key, claimant(`try-${attempt}`))).kind, 'claimed');
      await cloud.images.release(key, `try-${attempt}`, `no network, time ${attempt}`);
    }
    assert.equal((await cloud.images.claim(key, claimant('one-more'))).kind, 'given-up');
    assert.deepEqual(await cloud.images.claim(key, claimant('one-more')), { kind: 'nothing-to-do' });
    const build = await cloud.buildOf(key);
    assert.ok(build.state === 'failed');
    assert.deepEqual(build.failure, {
      kind: 'gave_up',
      message: 'gave up after 5 attempts: no network, time 5',
    });
    // Whoever asks again starts anew.
    assert.ok(await cloud.images.queue(key, request, pull, await cloud.images.read(key)));
    assert.equal((await cloud.images.claim(key, claimant('afresh'))).kind, 'claimed');
  });

  test('T4: counts workers that vanish, too', async () => {
    const { key } = await cloud.newQueued();
    for (let attempt = 1; attempt <= ATTEMPT_LIMIT; attempt++) {
      await cloud.images.claim(key, claimant(`try-${attempt}`, OVER_AT_ONCE));
      await cloud.untilClaimable(key);
    }
    assert.equal((await cloud.images.claim(key, claimant('one-more'))).kind, 'given-up');
    const build = await cloud.buildOf(key);
    assert.ok(build.state === 'failed');
    assert.match(build.failure.message, /^gave up after 5 attempts: every worker that took it vanished$/);
  });
});

describe('publish and watch', () => {
  test('the manifest is there when the image is current, with the exact bytes', async () => {
    const { key } = await cloud.newQueued();
    await cloud.images.claim(key, claimant('a'));
    const made = published('{"schemaVersion":2, "exactly":  "so"}');
    const manifests = openManifests(cloud.firestore);
    const found = Promise.withResolvers<unknown>();
    const stop = cloud.images.watch(
      key,
      ({ document }) => {
        if (document?.current !== undefined) found.resolve(manifests.read(document.current.digest));
      },
      found.reject,
    );
    await cloud.images.publish(key, 'a', made);
    const manifest = (await found.promise) as typeof made.manifest;
    stop();
    assert.equal(manifest.mediaType, made.manifest.mediaType);
    assert.equal(Buffer.from(manifest.bytes).toString(), '{"schemaVersion":2, "exactly":  "so"}');
    const { document, readTime } = await cloud.images.read(key);
    assert.deepEqual(document?.build, { state: 'none' });
    assert.equal(document.current?.revision, 'r1');
    assert.ok(document.current.builtAt <= readTime);
  });

  test('a watcher sees what is there, and every state until it stops', async () => {
    const { key, request } = cloud.newImage();
    const states: string[] = [];
    let wake = Promise.withResolvers<void>();
    const stop = cloud.images.watch(
      key,
      ({ document }: SeenImage) => {
        states.push(document?.build.state ?? 'nothing');
        wake.resolve();
      },
      error => wake.reject(error),
    );
    const until = async (state: string): Promise<void> => {
      while (states.at(-1) !== state) {
        wake = Promise.withResolvers();
        await wake.promise;
      }
    };
    await until('nothing');
    await cloud.images.queue(key, request, pull, await cloud.images.read(key));
    await until('queued');
    await cloud.images.claim(key, claimant('a'));
    await until('building');
    await cloud.images.publish(key, 'a', published('seen'));
    await until('none');
    stop();
    assert.deepEqual(states, ['nothing', 'queued', 'building', 'none']);
  });

  test('a document that this code does not understand is the watcher’s error, not the process’s', async () => {
    const { key } = cloud.newImage();
    await cloud.firestore.collection('images').doc(key).set({ from: 'the future' });
    const error = await new Promise<Error>((resolve, reject) => {
      cloud.images.watch(key, () => reject(new Error('seen')), resolve);
    });
    assert.match(error.message, /request/);
  });
});

describe('unfinished builds', () => {
  async function unfinished(): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of cloud.images.unfinished()) keys.push(key);
    return keys;
  }

  test('are those that are queued or being built, the oldest of each first', async () => {
    const older = await cloud.newQueued();
    const newer = await cloud.newQueued();
    const building = await cloud.newQueued();
    await cloud.images.claim(building.key, claimant('a'));
    const failed = await cloud.newQueued();
    await cloud.images.claim(failed.key, claimant('a'));
    await cloud.images.fail(failed.key, 'a', refusal, 'r1');
    const keys = await unfinished();
    const ours = [older, newer, building, failed].map(({ key }) => key);
    assert.deepEqual(
      keys.filter(key => ours.includes(key as RequestKey)),
      ours.slice(0, 3),
    );
  });

  test('are all found, however many there are', async () => {
    const others = (await unfinished()).length;
    const many = await Promise.all(Array.from({ length: 250 }, () => cloud.newQueued('refresh')));
    const keys = await unfinished();
    assert.equal(new Set(keys).size, others + many.length);
    assert.equal(keys.length, others + many.length);
  });

  test('that cannot be read are told, and stop nothing', async () => {
    const strange = cloud.newImage();
    const build = { state: 'queued', queuedAt: new Date(0) };
    await cloud.firestore.collection('images').doc(strange.key).create({ build });
    const { key } = await cloud.newQueued();
    const found: object[] = [];
    for await (const one of cloud.images.unfinished()) found.push(one);
    assert.ok(found.some(one => 'error' in one && 'key' in one && one.key === strange.key));
    assert.ok(found.some(one => 'seen' in one && 'key' in one && one.key === key));
  });
});
