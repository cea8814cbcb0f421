import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failureAnswer, failureSchema, LOG_LIMIT, type Failure } from '#core/failure.ts';

describe('failure', () => {
  const statuses: readonly [kind: Failure['kind'], status: number][] = [
    ['unknown_package', 404],
    ['unknown_source', 404],
    ['refused', 403],
    ['build_failed', 403],
    ['over_limit', 403],
    ['gave_up', 403],
  ];
  for (const [kind, status] of statuses) {
    test(`${kind} is ${status} MANIFEST_UNKNOWN, whose text clients show`, () => {
      const answer = failureAnswer({ kind, message: '"gti" is not in the package set' });
      assert.equal(answer.status, status);
      assert.equal(answer.code, 'MANIFEST_UNKNOWN');
      assert.equal(answer.message, '"gti" is not in the package set');
    });
  }

  test('every kind has an answer', () => {
    assert.deepEqual(
      statuses.map(([kind]) => kind).toSorted(),
      [...failureSchema.shape.kind.options].toSorted(),
    );
  });

  test('the end of the log is part of the message: clients show nothing else', () => {
    const { message } = failureAnswer({
      kind: 'build_failed',
      message: 'hello failed.',
      log: 'error: no luck',
    });
    assert.equal(message, 'hello failed.\nThe end of its log:\nerror: no luck');
  });

  test('a terminal is given the last lines of a long log', () => {
    const log = Array.from({ length: 100 }, (_, line) => `line ${line + 1}`).join('\n');
    const { message } = failureAnswer({ kind: 'build_failed', message: 'hello failed.', log });
    assert.match(message, /log:\nline 81\n[^]*line 100$/);
  });

  test('a log has a limit', () => {
    const failure = { kind: 'build_failed', message: 'x' };
    assert.ok(failureSchema.safeParse({ ...failure, log: 'x'.repeat(LOG_LIMIT) }).success);
    assert.ok(!failureSchema.safeParse({ ...failure, log: 'x'.repeat(LOG_LIMIT + 1) }).success);
  });
});
