import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Noted } from '../history.ts';
import { checkDigests } from './digests.ts';

function pull(name: string, revision: string, digest: string, reference = 'latest'): Noted {
  const outcome = { kind: 'image', digest, revision } as const;
  return {
    kind: 'pull',
    pull: 1,
    client: 'node',
    name,
    reference,
    beganAt: 1,
    outcome,
    atRest: false,
    at: 1,
    line: 1,
  };
}

test('another digest of the same name at the same revision is found', () => {
  assert.equal(checkDigests([pull('a', 'r', 'x'), pull('a', 'r', 'y')]).length, 1);
});

test('other names, other revisions and other refs may have others', () => {
  const pulls = [pull('a', 'r', 'x'), pull('b', 'r', 'y'), pull('a', 's', 'z'), pull('a', 'r', 'w', 'r')];
  assert.deepEqual(checkDigests(pulls), []);
  assert.deepEqual(checkDigests([...pulls, ...pulls]), []);
});
