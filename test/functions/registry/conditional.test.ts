import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Answer } from '#functions/registry/answer.ts';
import { unlessKnown } from '#functions/registry/conditional.ts';

const ETAG = '"sha256:abc"';
const ANSWER: Answer = {
  status: 200,
  headers: { 'content-type': 'text/plain', etag: ETAG, 'cache-control': 'no-cache' },
  body: 'body',
};

describe('If-None-Match', () => {
  const known = [
    ETAG,
    `W/${ETAG}`,
    '*',
    ' * ',
    `"other", ${ETAG}`,
    `W/"other",W/${ETAG}`,
    `"a,b" , ${ETAG}`,
    `"",${ETAG},"x"`,
  ];
  for (const header of known) {
    test(`of ${header} is 304, with what the answer is known by`, () => {
      assert.deepEqual(unlessKnown(ANSWER, header), {
        status: 304,
        headers: { etag: ETAG, 'cache-control': 'no-cache' },
      });
    });
  }

  const unknown = [
    undefined,
    '',
    '"other"',
    'sha256:abc',
    '"sha256:ab"',
    `"${ETAG}"x`,
    '"*"',
    '**',
    'W/',
    '"',
  ];
  for (const header of unknown) {
    test(`of ${header} changes nothing`, () => assert.equal(unlessKnown(ANSWER, header), ANSWER));
  }

  test('is for answers of 200 that have an entity tag', () => {
    const redirect = { status: 307, headers: { etag: ETAG } };
    assert.equal(unlessKnown(redirect, '*'), redirect);
    const untagged = { status: 200, headers: {}, body: 'x' };
    assert.equal(unlessKnown(untagged, '*'), untagged);
  });
});
