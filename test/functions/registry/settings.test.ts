import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { holdsOf, readRegistrySettings } from '#functions/registry/settings.ts';
import { LAST_READ_LIMIT_MS } from '#functions/registry/waiting.ts';

const GOOD = {
  GOOGLE_CLOUD_PROJECT: 'p',
  DERIVERY_SOURCE: 'channel:nixos-26.05',
  DERIVERY_BLOB_URL: 'https://storage.googleapis.com/bucket/blobs',
  DERIVERY_HOP_SECRET: '0123456789abcdef0123456789abcdef',
};

describe('the registry’s settings', () => {
  test('hold for 20 s where nothing else is said: newer containerd gives up after 30', () => {
    assert.equal(readRegistrySettings(GOOD).DERIVERY_HOLD_SECONDS, 20);
    assert.equal(readRegistrySettings({ ...GOOD, DERIVERY_HOLD_SECONDS: '0.5' }).DERIVERY_HOLD_SECONDS, 0.5);
  });

  test('leave time behind every hold for the last two reads, by the front end’s limit and containerd’s', () => {
    for (const limit of [11, 60, 3600]) {
      const settings = readRegistrySettings({ ...GOOD, DERIVERY_REQUEST_LIMIT_SECONDS: String(limit) });
      const { short, long } = holdsOf(settings);
      assert.ok(long + 2 * LAST_READ_LIMIT_MS < limit * 1000);
      assert.ok(short + 2 * LAST_READ_LIMIT_MS < 30_000);
    }
  });

  test('take the blobs’ address with or without a slash at its end', () => {
    const blobUrl = readRegistrySettings({ ...GOOD, DERIVERY_BLOB_URL: `${GOOD.DERIVERY_BLOB_URL}//` });
    assert.equal(blobUrl.DERIVERY_BLOB_URL, GOOD.DERIVERY_BLOB_URL);
  });

  const bad: readonly [environment: Record<string, string | undefined>, message: RegExp][] = [
    [{ ...GOOD, GOOGLE_CLOUD_PROJECT: undefined }, /GOOGLE_CLOUD_PROJECT is not set/],
    [{ ...GOOD, DERIVERY_SOURCE: 'nixos-26.05' }, /DERIVERY_SOURCE: "nixos-26.05" is not a package source/],
    [{ ...GOOD, DERIVERY_BLOB_URL: 'https://h/v2/blobs' }, /DERIVERY_BLOB_URL: must not contain \/v2\//],
    [{ ...GOOD, DERIVERY_BLOB_URL: 'storage' }, /DERIVERY_BLOB_URL: /],
    [{ ...GOOD, DERIVERY_BLOB_URL: 'https://h/blobs?x=1' }, /DERIVERY_BLOB_URL: must not have a query/],
    [{ ...GOOD, DERIVERY_BLOB_URL: 'gs://bucket/blobs' }, /DERIVERY_BLOB_URL: /],
    [{ ...GOOD, DERIVERY_BUCKET_ACCESS: 'secret' }, /DERIVERY_BUCKET_ACCESS: /],
    [{ ...GOOD, DERIVERY_HEAD_DIGEST: 'no' }, /DERIVERY_HEAD_DIGEST: /],
    [{ ...GOOD, DERIVERY_HOLD_SECONDS: '0' }, /DERIVERY_HOLD_SECONDS: /],
    [{ ...GOOD, DERIVERY_HOLD_SECONDS: '4000' }, /DERIVERY_HOLD_SECONDS: /],
    [{ ...GOOD, DERIVERY_HOLD_SECONDS: 'long' }, /DERIVERY_HOLD_SECONDS: /],
    [{ ...GOOD, DERIVERY_HOP_SECRET: undefined }, /DERIVERY_HOP_SECRET is not set \(a secret .*openssl/],
  ];
  for (const [environment, message] of bad) {
    test(`are refused where ${message.source}`, () => {
      assert.throws(() => readRegistrySettings(environment), message);
    });
  }
});
