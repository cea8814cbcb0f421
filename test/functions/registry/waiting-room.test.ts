import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RegistryError } from '#core/errors.ts';
import { createWaitingRoom } from '#functions/registry/waiting-room.ts';

test('four fifths wait as long as they can, the next tenth for a moment, and all others are asked to come back', () => {
  const room = createWaitingRoom(250);
  const places = Array.from({ length: 225 }, () => room.enter());
  const longest = places.map(({ longestMs }) => longestMs);
  assert.deepEqual(new Set(longest.slice(0, 200)), new Set([Infinity]));
  assert.deepEqual(new Set(longest.slice(200)), new Set([1_000]));
  assert.throws(
    () => room.enter(),
    (error: unknown) => {
      assert.ok(error instanceof RegistryError && error.status === 429);
      assert.equal(
        error.headers['warning'],
        '299 - "the image is being built, and as many pulls wait here as can"',
      );
      const seconds = Number(error.headers['retry-after']);
      return seconds >= 5 && seconds < 15;
    },
  );
  assert.equal(room.count, 225);

  // A place that is left is another's, and can be left only once.
  places[0]?.[Symbol.dispose]();
  places[0]?.[Symbol.dispose]();
  assert.equal(room.count, 224);
  room.enter();
  assert.throws(() => room.enter(), RegistryError);
});

test('one place there is always', () => {
  const room = createWaitingRoom(1);
  {
    using place = room.enter();
    assert.equal(place.longestMs, Infinity);
    assert.throws(() => room.enter(), RegistryError);
  }
  room.enter();
});
