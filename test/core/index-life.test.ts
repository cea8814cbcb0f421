import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ImageDocument } from '#core/image-document.ts';
import { UNCLAIMED_MS } from '#core/image-life.ts';
import { requestKey, requestsByPlatform, type ImageRequest } from '#core/image-request.ts';
import { askForIndex, describeIndex, imageKeys, leftAlone, park } from '#core/index-life.ts';
import { SETTINGS } from './deployment.ts';
import { building, current, failed, imageOf, none, queued, request, T, waiting } from './life-of-hello.ts';

const ofBoth: ImageRequest = { ...request, platforms: ['linux/amd64', 'linux/arm64'] };
const index = requestKey(ofBoth, SETTINGS);
const other = requestKey({ ...ofBoth, packages: ['other'] }, SETTINGS);
const NOW = T + 5_000;

function indexOf(build: ImageDocument['build']): ImageDocument {
  return { ...imageOf(build), request: ofBoth };
}

test('the images of an index have the keys that they are pulled by alone', () => {
  const keys = requestsByPlatform(ofBoth).map(image => requestKey(image, SETTINGS));
  assert.deepEqual(imageKeys(indexOf(none)), keys);
  assert.equal(keys[0], requestKey(request, SETTINGS));
});

describe('an index asks for an image', () => {
  const asking = { request, settings: SETTINGS, by: 'pull', index, revision: 'r1' } as const;
  const ask = (image: ImageDocument | undefined, more: Partial<typeof asking> | { by: 'refresh' } = {}) =>
    askForIndex(image, { ...asking, ...more }, NOW);

  test('that is there at its revision, whatever goes on with it', () => {
    for (const build of [none, queued(), failed('build_failed')]) {
      const ready = { next: undefined, standing: { kind: 'ready', digest: current.digest } };
      assert.deepEqual(ask(imageOf(build, { current })), ready);
    }
  });

  test('that cannot be: a refusal of its revision, or a failure of just now', () => {
    for (const kind of ['refused', 'build_failed'] as const) {
      const { standing, next } = ask(imageOf(failed(kind)));
      assert.deepEqual([standing.kind, next], ['failed', undefined]);
    }
    assert.equal(ask(imageOf(failed('refused', { revision: 'r0' }))).standing.kind, 'under-way');
  });

  const asked = queued({ queuedAt: NOW });
  for (const [what, image] of [
    ['that nobody asked for', undefined],
    ['that is there at another revision', imageOf(none, { current: { ...current, revision: 'r0' } })],
    ['that was refused at another revision', imageOf(failed('refused', { revision: 'r0' }))],
  ] as const) {
    test(`${what}, and has it made`, () => {
      const { next, standing } = ask(image);
      assert.deepEqual(next, { ...image, request, settings: SETTINGS, build: asked, indexes: [index] });
      assert.deepEqual(standing, { kind: 'under-way', build: asked, queued: true, hint: true });
    });
  }

  test('that is being made, and waits for it beside others', () => {
    const image = imageOf(building(), { indexes: [other] });
    const { next, standing } = ask(image);
    assert.deepEqual(next, { ...image, indexes: [other, index] });
    assert.deepEqual(standing, { kind: 'under-way', build: image.build, queued: false, hint: false });
    assert.equal(ask(next).next, undefined, 'again: nothing is written');
  });

  test('that nobody waited for, and raises it only where somebody waits for the index', () => {
    const image = imageOf(queued({ by: 'refresh' }), { indexes: [index] });
    assert.equal(ask(image, { by: 'refresh' }).next, undefined);
    const { next, standing } = ask(image);
    assert.deepEqual(next?.build, queued());
    assert.equal(standing.kind === 'under-way' && standing.hint, true);
  });

  test('that was left alone, and has its workers told', () => {
    const left = queued({ queuedAt: NOW - UNCLAIMED_MS - 1 });
    const { standing } = ask(imageOf(left, { indexes: [index] }));
    assert.deepEqual(standing, { kind: 'under-way', build: left, queued: false, hint: true });
  });
});

describe('the holder of an index', () => {
  const held = indexOf(building({ attempts: 2, lastError: 'disk full' }));
  const mine = imageOf(queued(), { indexes: [index] });
  const parked = (images: (ImageDocument | undefined)[], missing?: string) =>
    park(held, 'mine', index, images, missing, NOW)?.build;

  test('leaves it to its images, which is no try unless one had to be asked for', () => {
    const tries = { attempts: 1, lastError: 'disk full' };
    assert.deepEqual(parked([mine, imageOf(none, { current })]), waiting({ parkedAt: NOW, ...tries }));
    const counted = { attempts: 2, lastError: 'no arm64' };
    assert.deepEqual(parked([mine, mine], 'no arm64'), waiting({ parkedAt: NOW, ...counted }));
  });

  for (const [what, images] of [
    ['have all ended', [imageOf(none, { current }), imageOf(failed('build_failed'))]],
    ['are gone', [undefined, undefined]],
    ['would not wake it', [imageOf(building()), imageOf(queued(), { indexes: [other] })]],
    ['are less urgent than it is', [mine, imageOf(building({ by: 'refresh' }), { indexes: [index] })]],
  ] as const) {
    test(`has it looked at again where its images ${what}`, () => {
      const build = queued({ queuedAt: NOW, attempts: 1, lastError: 'disk full' });
      assert.deepEqual(parked([...images]), build);
    });
  }

  test('does nothing without the lease', () => {
    assert.equal(park(held, 'yours', index, [mine], undefined, NOW), undefined);
    assert.equal(park(undefined, 'mine', index, [mine], undefined, NOW), undefined);
    assert.equal(park(indexOf(waiting()), 'mine', index, [mine], undefined, NOW), undefined);
  });
});

describe('whose hints are sent again', () => {
  const [first, second] = imageKeys(indexOf(none));
  const fresh = imageOf(building(), { indexes: [index] });
  const old = imageOf(queued({ by: 'refresh', queuedAt: T - 60_000 }), { indexes: [index] });
  const woken = (build: ImageDocument['build'], images: (ImageDocument | undefined)[], patience?: number) =>
    leftAlone(index, indexOf(build), images, T, patience);

  test('nobody’s, while images are made that will wake the index', () => {
    assert.deepEqual(woken(waiting(), [fresh, imageOf(none, { current })]), []);
  });

  test('those of images that were left alone, as long as the patience says', () => {
    const refreshed = waiting({ by: 'refresh' });
    assert.deepEqual(woken(refreshed, [fresh, old]), [{ key: second, by: 'refresh' }]);
    assert.deepEqual(woken(refreshed, [fresh, old], 60_001), []);
  });

  test('the index’s own where nothing will wake it, or where it became more urgent than its images', () => {
    assert.deepEqual(woken(waiting(), [undefined, imageOf(none)]), [{ key: index, by: 'pull' }]);
    const both = [
      { key: first, by: 'refresh' },
      { key: index, by: 'pull' },
    ];
    assert.deepEqual(woken(waiting(), [old, imageOf(none, { current })]), both);
  });

  test('not that of an index that does not wait', () => {
    assert.deepEqual(woken(building(), [undefined, undefined]), []);
  });
});

test('how far an index is reads well', () => {
  const far = (...images: (ImageDocument | undefined)[]) => describeIndex(ofBoth, images);
  const busy = imageOf(building({ phase: { name: 'building', done: 3, of: 17 } }));
  assert.equal(far(imageOf(none, { current }), busy), '1 of 2 platforms ready; linux/arm64: building 3/17');
  assert.equal(
    far(imageOf(queued()), busy),
    '0 of 2 platforms ready; linux/amd64: waiting for a worker; linux/arm64: building 3/17',
  );
  assert.equal(far(imageOf(none), imageOf(none)), '2 of 2 platforms ready');
});
