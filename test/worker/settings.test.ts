import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { defaultSlots, readWorkerSettings } from '#worker/settings.ts';

const GOOD = {
  GOOGLE_CLOUD_PROJECT: 'p',
  DERIVERY_BUCKET: 'blobs',
  DERIVERY_SOURCE: 'channel:nixos-26.05',
  DERIVERY_SPOOL: '/var/spool/derivery',
};

describe('the worker’s settings', () => {
  test('have limits where nothing is said', () => {
    const settings = readWorkerSettings(GOOD);
    assert.ok(settings.DERIVERY_BUILD_SLOTS >= 1);
    assert.deepEqual(
      [settings.DERIVERY_BUILD_MEMORY_MB, settings.DERIVERY_BUILD_SECONDS, settings.DERIVERY_LEASE_SECONDS],
      [4096, 3600, 30],
    );
  });

  const bad: readonly [environment: Record<string, string | undefined>, message: RegExp][] = [
    [{ ...GOOD, DERIVERY_BUCKET: undefined }, /DERIVERY_BUCKET is not set/],
    [{ ...GOOD, DERIVERY_SPOOL: 'spool' }, /DERIVERY_SPOOL: /],
    [{ ...GOOD, DERIVERY_BUILD_SLOTS: '0' }, /DERIVERY_BUILD_SLOTS: /],
    [{ ...GOOD, DERIVERY_BUILD_SLOTS: '1.5' }, /DERIVERY_BUILD_SLOTS: /],
    [{ ...GOOD, DERIVERY_BUILD_MEMORY_MB: '64' }, /DERIVERY_BUILD_MEMORY_MB: /],
    [{ ...GOOD, DERIVERY_BUILD_SECONDS: '0' }, /DERIVERY_BUILD_SECONDS: /],
    [{ ...GOOD, DERIVERY_LEASE_SECONDS: 'long' }, /DERIVERY_LEASE_SECONDS: /],
    [{ ...GOOD, DERIVERY_SOURCE: 'debian' }, /DERIVERY_DEBIAN_SET must name|DERIVERY_DEBIAN_SET is not set/],
  ];
  for (const [environment, message] of bad) {
    test(`are refused where ${message.source}`, () => {
      assert.throws(() => readWorkerSettings(environment), message);
    });
  }
});

describe('builds at a time, where nothing is said', () => {
  const machines: readonly [cores: number, gibibytes: number, slots: number][] = [
    [8, 64, 4],
    [8, 8, 2],
    [8, 11.9, 2],
    [2, 64, 1],
    [1, 1, 1],
    [32, 3, 1],
  ];
  for (const [cores, gibibytes, slots] of machines) {
    test(`are ${slots} on ${cores} cores with ${gibibytes} GiB`, () => {
      assert.equal(defaultSlots({ cores, memoryMib: gibibytes * 1024 }), slots);
    });
  }
});
