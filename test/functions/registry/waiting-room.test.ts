import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RegistryError } from '#core/errors.ts';
import type { AdmittedPull } from '#functions/registry/limits/admission.ts';
import { createWaitingRoom } from '#functions/registry/waiting-room.ts';
import { NO_LIMITS } from './served.ts';

function pull(name: string, waitingPulls = Infinity, hasWaited = false): AdmittedPull {
  const account = {
    id: name,
    holder: { kind: 'address', name },
    limits: { ...NO_LIMITS, waitingPulls },
  } as const;
  return { account, hasWaited };
}

const anyone = pull('203.0.113.7');

/** A 429 whose sentence has this in it, and that says when to come back. */
function refusal(pattern: RegExp): (error: unknown) => boolean {
  return error => {
    assert.ok(error instanceof RegistryError && error.status === 429 && error.code === 'TOOMANYREQUESTS');
    assert.match(error.message, pattern);
    assert.match(error.headers['warning'] ?? '', /^299 - "the image is being built, and /);
    assert.match(error.headers['warning'] ?? '', pattern);
    const seconds = Number(error.headers['retry-after']);
    return seconds >= 5 && seconds < 15;
  };
}

describe('a waiting room', () => {
  test('has four fifths wait as long as they can, the next tenth for a moment, and all others come back', () => {
    const room = createWaitingRoom(250);
    const places = Array.from({ length: 225 }, () => room.enter(anyone));
    const longest = places.map(({ longestMs }) => longestMs);
    assert.deepEqual(new Set(longest.slice(0, 200)), new Set([Infinity]));
    assert.deepEqual(new Set(longest.slice(200)), new Set([1_000]));
    assert.throws(() => room.enter(anyone), refusal(/as many pulls wait here as can/));
    assert.equal(room.count, 225);

    // A place that is left is another's, and can be left only once.
    places[0]?.[Symbol.dispose]();
    places[0]?.[Symbol.dispose]();
    assert.equal(room.count, 224);
    room.enter(anyone);
    assert.throws(() => room.enter(anyone), RegistryError);
  });

  test('has one place always', () => {
    const room = createWaitingRoom(1);
    {
      using place = room.enter(anyone);
      assert.equal(place.longestMs, Infinity);
      assert.throws(() => room.enter(anyone), RegistryError);
    }
    room.enter(anyone);
  });

  test('has as many of one caller as it may have, and always places for others', () => {
    const room = createWaitingRoom(250);
    const places = Array.from({ length: 3 }, () => room.enter(pull('203.0.113.7', 3)));
    const limit =
      /the limit of pulls that wait at a time is 3 for each address, which 203\.0\.113\.7 has reached here/;
    assert.throws(() => room.enter(pull('203.0.113.7', 3)), refusal(limit));
    room.enter(pull('203.0.113.8', 3));
    assert.equal(room.count, 4);
    places[0]?.[Symbol.dispose]();
    places[0]?.[Symbol.dispose]();
    room.enter(pull('203.0.113.7', 3));
    assert.throws(() => room.enter(pull('203.0.113.7', 3)), RegistryError);
  });

  test('has pulls go on that have waited elsewhere, up to twice as many', () => {
    const room = createWaitingRoom(250);
    for (let count = 0; count < 3; count++) room.enter(pull('203.0.113.7', 3));
    for (let count = 0; count < 3; count++) room.enter(pull('203.0.113.7', 3, true));
    assert.throws(
      () => room.enter(pull('203.0.113.7', 3, true)),
      refusal(/the limit of pulls that wait at a time is 3/),
    );
    room.enter(pull('203.0.113.8', 3));
  });
});
