import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { ConfigurationError } from '#core/errors.ts';
import {
  answeredMs,
  notedEveryMs,
  retentionOf,
  retentionSettings,
  signedSeconds,
} from '#core/google/retention-settings.ts';
import { readSettings } from '#core/google/settings.ts';

const HOUR = 3_600_000;
const read = (environment: Record<string, string>) =>
  retentionOf(readSettings(z.object(retentionSettings), environment));

test('a month, a week and a day, where nothing else is said', () => {
  assert.deepEqual(read({}), { keepMs: 720 * HOUR, graceMs: 168 * HOUR, tombstoneMs: 24 * HOUR });
});

test('fractions come to seconds', () => {
  const retention = read({
    DERIVERY_KEEP_DAYS: String(60 / 86_400),
    DERIVERY_BLOB_GRACE_HOURS: String(10 / 3_600),
    DERIVERY_TOMBSTONE_HOURS: String(5 / 3_600),
  });
  assert.deepEqual(retention, { keepMs: 60_000, graceMs: 10_000, tombstoneMs: 5_000 });
  assert.equal(notedEveryMs(retention), 2_500);
  assert.equal(notedEveryMs({ keepMs: 720 * HOUR }), HOUR);
});

test('nothing is kept for no time, or for a time that is none', () => {
  for (const name of Object.keys(retentionSettings)) {
    for (const value of ['0', '-1', 'a week', 'Infinity', 'NaN']) {
      assert.throws(
        () => read({ [name]: value }),
        (error: unknown) => error instanceof ConfigurationError && error.message.includes(name),
        `${name}=${value}`,
      );
    }
  }
});

test('blobs outlast the manifests that a registry has in memory', () => {
  assert.throws(
    () => read({ DERIVERY_TOMBSTONE_HOURS: '1' }),
    (error: unknown) =>
      error instanceof ConfigurationError &&
      /DERIVERY_TOMBSTONE_HOURS: has to be more than 1:.*DERIVERY_KEEP_DAYS shorter/.test(error.message),
  );
  assert.equal(read({ DERIVERY_TOMBSTONE_HOURS: '1.01' }).tombstoneMs, 1.01 * HOUR);
  assert.equal(read({ DERIVERY_TOMBSTONE_HOURS: '1', DERIVERY_KEEP_DAYS: '0.99' }).tombstoneMs, HOUR);
});

test('T7: a registry that hears nothing of Firestore answers no manifest for so long that its blobs may go amid a pull', () => {
  assert.equal(answeredMs(read({})), 6 * HOUR);
  const short = read({ DERIVERY_TOMBSTONE_HOURS: '2' });
  assert.equal(answeredMs(short), notedEveryMs(short), 'but for as long as it needs not ask');
});

test('signed addresses of blobs work for an hour, or for as long as the blob is sure to be there', () => {
  assert.equal(signedSeconds(read({})), 3600);
  assert.equal(signedSeconds(read({ DERIVERY_TOMBSTONE_HOURS: '1.5' })), 1800);
  const keepHour = { DERIVERY_KEEP_DAYS: String(1 / 24) };
  assert.equal(signedSeconds(read({ ...keepHour, DERIVERY_TOMBSTONE_HOURS: '1' })), 2700);
  const keepMinute = { DERIVERY_KEEP_DAYS: String(60 / 86_400) };
  assert.equal(signedSeconds(read({ ...keepMinute, DERIVERY_TOMBSTONE_HOURS: String(5 / 3_600) })), 2);
});

test('a tombstone too short for signed addresses is refused, with one that is not', () => {
  for (const keepSeconds of [60, 5, 18.25]) {
    const keep = { DERIVERY_KEEP_DAYS: String(keepSeconds / 86_400) };
    const tooShort = read({ ...keep, DERIVERY_TOMBSTONE_HOURS: String((keepSeconds / 24 + 0.5) / 3_600) });
    assert.throws(
      () => signedSeconds(tooShort),
      (error: unknown) => {
        assert.ok(error instanceof ConfigurationError);
        const [, wayOut = ''] =
          /DERIVERY_TOMBSTONE_HOURS: is too short.* Set it to (\S+) or more$/.exec(error.message) ?? [];
        assert.equal(signedSeconds(read({ ...keep, DERIVERY_TOMBSTONE_HOURS: wayOut })), 1);
        return true;
      },
    );
  }
});
