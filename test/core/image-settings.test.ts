import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settingsDigest, settingsDigestSchema } from '#core/image-settings.ts';
import { IMAGE_SETTINGS, SETTINGS } from './deployment.ts';

test('settings that change the bytes change the digest', () => {
  assert.notEqual(SETTINGS, settingsDigest({ ...IMAGE_SETTINGS, layerBudget: 92 }));
  assert.notEqual(SETTINGS, settingsDigest({ ...IMAGE_SETTINGS, compression: 'zstd' }));
});

// One that changes with no reason has every image made anew. Where there is a reason, change it here too.
test('the digest of the defaults stays the same from release to release', () => {
  assert.equal(SETTINGS, '0af650384297ae44f26f2301e848b64baf9ad9319415fd776364dc6a6265094c');
});

test('a digest is 64 lower-case hexadecimal digits', () => {
  for (const text of ['', 'ab'.repeat(31), 'AB'.repeat(32), `${'ab'.repeat(32)}\n`, 'ag'.repeat(32)]) {
    assert.equal(settingsDigestSchema.safeParse(text).success, false, text);
  }
});
