import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf } from '#core/digest.ts';
import { MEDIA_TYPES } from '#core/oci.ts';
import { onBothServers } from './served.ts';
import { specError } from './spec-errors.ts';

const EMPTY = `{"schemaVersion":2,"mediaType":"${MEDIA_TYPES.index}","manifests":[]}`;

onBothServers('the referrers of a digest', 60_000, served => {
  test('are an empty index, whether anything has the digest or not', async () => {
    const answer = await served().send(`/v2/a/b/referrers/${digestOf('anything')}`);
    assert.deepEqual([answer.status, answer.body.toString()], [200, EMPTY]);
    assert.equal(answer.headers['content-type'], MEDIA_TYPES.index);
    assert.equal(answer.headers['oci-filters-applied'], undefined);
  });

  test('are filtered by type, which the answer says', async () => {
    const target = `/v2/a/referrers/${digestOf('anything')}?artifactType=application%2Fspdx%2Bjson`;
    const answer = await served().send(target);
    assert.deepEqual([answer.status, answer.body.toString()], [200, EMPTY]);
    assert.equal(answer.headers['oci-filters-applied'], 'artifactType');
  });

  test('of what is no digest are 400', async () => {
    for (const wrong of ['latest', 'sha256:wrong', 'sha256:', '']) {
      const answer = await served().send(`/v2/a/referrers/${wrong}`);
      assert.equal(specError(answer, 400).code, 'DIGEST_INVALID');
    }
  });
});
