import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settingsDigest, settingsDigestSchema } from '#core/image-settings.ts';

test('settings that change the bytes change the digest', () => {
  assert.notEqual(settingsDigest({ layerBudget: 100 }), settingsDigest({ layerBudget: 99 }));
});

// One that changes with no reason has every image made anew. Where there is a reason, change it here too.
test('the digest of the defaults stays the same from release to release', () => {
  assert.equal(
    settingsDigest({ layerBudget: 100 }),
    'ab37cb9b2ec0a910aca718854e05c5019e970323dc56049c0002c5021fd5c9b9',
  );
});

test('a digest is 64 lower-case hexadecimal digits', () => {
  for (const text of ['', 'ab'.repeat(31), 'AB'.repeat(32), `${'ab'.repeat(32)}\n`, 'ag'.repeat(32)]) {
    assert.equal(settingsDigestSchema.safeParse(text).success, false, text);
  }
});
