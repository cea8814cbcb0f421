// A registry whose bucket is private: what becomes of a pull when no address can be signed.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { digestOf } from '#core/digest.ts';
import { TransientError } from '#core/errors.ts';
import { openBlobs } from '#core/google/blobs.ts';
import { Cloud } from '#test/cloud.ts';
import { Served } from './served.ts';
import { assertNoTrace, specError } from './spec-errors.ts';

const LAYER = digestOf('layer');

describe('an address that cannot be signed', () => {
  let cloud: Cloud;
  before(async () => {
    cloud = await Cloud.start();
    await openBlobs(cloud.firestore).record(LAYER, { size: 5, crc32c: 'AAAAAA==', generation: '1' });
  });
  after(() => cloud[Symbol.asyncDispose]());

  const failures: readonly [error: Error, status: number, code: string][] = [
    [new TransientError('IAM is away'), 503, 'UNAVAILABLE'],
    [new Error('x@y may not sign'), 500, 'UNKNOWN'],
  ];
  for (const [error, status, code] of failures) {
    test(`is ${status} where "${error.message}", with an id that is in the log; HEAD needs none`, async () => {
      await using served = await Served.start('node:http', cloud, 1_000, {
        blobAddress: () => Promise.reject(error),
      });
      const answer = await served.send(`/v2/a/blobs/${LAYER}`);
      const told = specError(answer, status);
      assert.equal(told.code, code);
      assertNoTrace(told.message);
      assert.doesNotMatch(told.message, /sign|IAM|@/);
      const [line] = served.lines;
      assert.match(told.message, new RegExp(String(line?.['errorId'])));
      assert.match(JSON.stringify(line), new RegExp(error.message));
      assert.equal((await served.send(`/v2/a/blobs/${LAYER}`, { method: 'HEAD' })).status, 200);
      assert.equal((await served.send(`/v2/a/blobs/${digestOf('none')}`)).status, 404);
    });
  }
});
