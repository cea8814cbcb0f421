// What an instance answers of tags that it has looked at, and when it looks again. Time goes by for servers and instances alike.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test, type TestContext } from 'node:test';
import type { WaitingParts } from '#functions/registry/waiting.ts';
import { collectLog } from '#test/collected-log.ts';
import { Cloud } from '#test/cloud.ts';
import { countFirestoreCalls, type FirestoreCallCounts } from '#test/firestore-calls.ts';
import { IMPATIENT, MINUTE, Scene } from './scene.ts';
import { POLICY } from './served.ts';
import { specError } from './spec-errors.ts';

const CACHE_MS = 30_000;

let cloud: Cloud;
let calls: FirestoreCallCounts;
let gone = 0;
before(async () => {
  cloud = await Cloud.start({ wallClock: () => Date.now() + gone });
});
after(() => cloud[Symbol.asyncDispose]());
beforeEach(() => {
  calls = countFirestoreCalls();
});
afterEach(() => calls[Symbol.dispose]());

function goBy(milliseconds: number): void {
  gone += milliseconds;
}

const reads = (): number => calls.ended('BatchGetDocuments');

function set(context: TestContext, parts: Partial<WaitingParts> = {}): Promise<Scene> {
  return Scene.set(cloud, context, { cacheMs: CACHE_MS, now: () => performance.now() + gone, ...parts });
}

async function text(scene: Scene): Promise<string> {
  return (await scene.pull()).body.toString();
}

describe('a tag that was looked at', IMPATIENT, () => {
  test('a moment ago is answered from memory, whoever asks', async context => {
    const scene = await set(context);
    await scene.make('first', 'r1');
    assert.equal(await text(scene), 'first');
    const earlier = reads();
    for (const { body } of await scene.pulls(100)) assert.equal(body.toString(), 'first');
    goBy(CACHE_MS / 2 - 1_000);
    assert.equal(await text(scene), 'first');
    assert.equal(reads(), earlier);
  });

  test('is looked at again when its time is over: what another made is seen then', async context => {
    const scene = await set(context);
    await scene.make('first', 'r1');
    assert.equal(await text(scene), 'first');
    await scene.make('second', 'r2');
    assert.equal(await text(scene), 'first');
    goBy(CACHE_MS);
    assert.equal(await text(scene), 'second');
  });

  test('is renewed behind an answer in the second half of its time', async context => {
    const scene = await set(context);
    await scene.make('first', 'r1');
    assert.equal(await text(scene), 'first');
    await scene.make('second', 'r2');
    goBy(CACHE_MS / 2);
    const earlier = reads();
    for (const { body } of await scene.pulls(20)) assert.match(body.toString(), /first|second/);
    await calls.until(() => reads() > earlier);
    while ((await text(scene)) !== 'second');
    // That of the tag, and that of its new manifest.
    assert.equal(reads(), earlier + 2);
  });

  test('is read once for all who come when its time is over', async context => {
    const scene = await set(context);
    await scene.make('first', 'r1');
    await scene.pull();
    goBy(CACHE_MS);
    const earlier = reads();
    for (const { status } of await scene.pulls(100)) assert.equal(status, 200);
    assert.ok(reads() - earlier <= 2, `${reads() - earlier} reads`);
  });

  test('and has failed since is not answered as it was, nor is the failure kept', async context => {
    const scene = await set(context);
    await scene.make('first', 'r1');
    await scene.pull();
    await scene.look('r2');
    await scene.fail({ kind: 'refused', message: 'no more' }, 'r2');
    goBy(CACHE_MS);
    assert.equal(specError(await scene.pull(), 403).message, 'no more');
    await scene.look('r3');
    await scene.make('third', 'r3');
    assert.equal(await text(scene), 'third');
  });

  test('T30: is judged by the server’s time that has gone by since: its source is looked at when that is due', async context => {
    const scene = await set(context);
    await scene.make('first', 'r1');
    goBy(POLICY.freshMs - 5_000);
    await scene.pull();
    assert.deepEqual(await cloud.takeHints('refresh'), []);
    goBy(6_000);
    assert.equal(await text(scene), 'first');
    assert.deepEqual(await cloud.takeHints('refresh'), [scene.source]);
    // Asked for, it is not asked for by every pull.
    const earlier = reads();
    assert.equal(await text(scene), 'first');
    assert.equal(reads(), earlier);
  });

  test('is answered no longer than the policy lets it', async context => {
    const scene = await set(context);
    await scene.make('too old soon', 'r1');
    await scene.look('r2');
    await scene.queue('refresh');
    goBy(POLICY.staleMs - 5_000);
    assert.equal(await text(scene), 'too old soon');
    goBy(6_000);
    const answer = text(scene);
    assert.equal(await cloud.hintsAt(scene.asked.key, 'pull'), 1);
    await scene.make('new', 'r2');
    assert.equal(await answer, 'new');
  });

  test('is read by every pull where nothing is to be kept', async context => {
    const scene = await set(context, { cacheMs: 0 });
    await scene.make('first', 'r1');
    await scene.pull();
    await scene.make('second', 'r2');
    assert.equal(await text(scene), 'second');
  });
});

for (const [how, trouble] of [
  ['refuses', () => Promise.reject(Object.assign(new Error('no connection'), { code: 14 }))],
  ['stays silent', () => new Promise<never>(() => {})],
] as const) {
  test(`T10: while Firestore ${how}, tags are answered as they were up to ten minutes ago`, async context => {
    let isDown = false;
    const { log, lines } = collectLog();
    const scene = await set(context, {
      log,
      readLimitMs: 1_500,
      readPullState: (...asked) => (isDown ? trouble() : cloud.readPullState(...asked)),
    });
    await scene.make('first', 'r1');
    assert.equal(await text(scene), 'first');
    isDown = true;
    goBy(9 * MINUTE);
    for (const { body } of await scene.pulls(20)) assert.equal(body.toString(), 'first');
    assert.equal(await text(scene), 'first');
    const warnings = lines.filter(({ message }) => String(message).startsWith('Firestore does not answer'));
    assert.equal(warnings.length, 1);

    goBy(MINUTE + 1_000);
    specError(await scene.pull(), 503);
    isDown = false;
    await scene.make('second', 'r2');
    assert.equal(await text(scene), 'second');
    assert.ok(lines.some(({ message }) => message === 'Firestore answers again'));
  });
}

test('T10: no image is answered in trouble that would not be otherwise', async context => {
  let isDown = false;
  const scene = await set(context, {
    readPullState: (...asked) =>
      isDown
        ? Promise.reject(Object.assign(new Error('no connection'), { code: 14 }))
        : cloud.readPullState(...asked),
  });
  await scene.make('too old soon', 'r1');
  await scene.look('r2');
  await scene.queue('refresh');
  goBy(POLICY.staleMs - MINUTE);
  assert.equal(await text(scene), 'too old soon');
  isDown = true;
  goBy(2 * MINUTE);
  specError(await scene.pull(), 503);
});
