import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Noted, RequestRecord } from '../history.ts';
import { checkAnswers } from './answers.ts';

const LIMITS = { promisedMs: 20_000 };

function request(more: Partial<RequestRecord & { at: number }>): Noted {
  const { at = 100_000 } = more;
  return {
    kind: 'request',
    pull: 1,
    to: 'registry',
    what: 'manifest',
    path: '/v2/p/manifests/latest',
    beganAt: at,
    status: 200,
    line: 1,
    ...more,
    at,
  };
}

function firestoreAwayAt(at: number): Noted {
  return { kind: 'fault', fault: 'network refused', target: 'firestore', lastsMs: 1_000, at, line: 1 };
}

test('a 500 is found, whatever is broken', () => {
  assert.equal(checkAnswers([firestoreAwayAt(100_000), request({ status: 500 })], LIMITS).length, 1);
});

test('a 503 is found, but where Firestore was away', () => {
  const answer = request({ status: 503 });
  assert.equal(checkAnswers([answer], LIMITS).length, 1);
  assert.equal(checkAnswers([firestoreAwayAt(10_000), answer], LIMITS).length, 1);
  assert.deepEqual(checkAnswers([firestoreAwayAt(99_000), answer], LIMITS), []);
});

test('what Cloud Storage answers is not the registry’s', () => {
  assert.deepEqual(checkAnswers([request({ to: 'storage', status: 503, what: 'blob' })], LIMITS), []);
});

test('a blob that is missing soon after its manifest is found, and not one that is long afterwards', () => {
  const missing = (to: RequestRecord['to'], namedAt: number) =>
    checkAnswers([request({ to, what: 'blob', status: 404, namedAt })], LIMITS).length;
  assert.equal(missing('registry', 95_000), 1);
  assert.equal(missing('storage', 95_000), 1);
  assert.equal(missing('registry', 70_000), 0);
});
