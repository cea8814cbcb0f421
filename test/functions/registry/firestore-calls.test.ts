import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TransientError } from '#core/errors.ts';
import { createFirestoreCalls } from '#functions/registry/firestore-calls.ts';

test('of many calls to a Firestore that is silent, none waits for its turn to wait in vain', async () => {
  const call = createFirestoreCalls(50);
  let begun = 0;
  const calls = Array.from({ length: 500 }, () =>
    call(() => {
      begun += 1;
      return new Promise(() => {});
    }),
  );
  for (const { status, reason } of (await Promise.allSettled(calls)) as PromiseRejectedResult[]) {
    assert.equal(status, 'rejected');
    assert.ok(reason instanceof TransientError);
  }
  assert.equal(begun, 64);

  assert.equal(await call(() => Promise.resolve('again')), 'again');
});

test('those who waited go on where one was answered, or where the answer was another error', async () => {
  const call = createFirestoreCalls(10_000);
  const first = Array.from({ length: 64 }, () => Promise.withResolvers<string>());
  const asked = first.map(({ promise }) => call(() => promise));
  const waits = call(() => Promise.resolve('mine'));
  first[0]?.reject(new Error('a bug'));
  await assert.rejects(asked[0] ?? Promise.resolve(), /a bug/);
  assert.equal(await waits, 'mine');
});
