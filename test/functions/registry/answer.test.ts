import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RegistryError } from '#core/errors.ts';
import { failureAnswer } from '#core/failure.ts';
import { errorAnswer } from '#functions/registry/answer.ts';

describe('what stands behind the status', () => {
  const reasonOf = (message: string): string | undefined =>
    errorAnswer(new RegistryError(403, 'MANIFEST_UNKNOWN', message)).reason;

  test('is the first line of the message, in the characters that it may have', () => {
    assert.equal(reasonOf('no\nand why'), 'Forbidden: no');
    assert.equal(reasonOf('attribute ‘x’ of “y”: ü'), 'Forbidden: attribute \'x\' of "y": ?');
  });

  test('ends with the whole address of the log, however long the message is: containerd shows nothing else', () => {
    const log = 'http://localhost:8080/builds/6f9619ff-8b86-4d01-b42d-00cf4fc964ff/log';
    const failure = { kind: 'build_failed', message: 'hello failed.', log: 'why' } as const;
    assert.equal(errorAnswer(failureAnswer(failure, log)).reason, `Forbidden: hello failed. (${log})`);

    const long = errorAnswer(failureAnswer({ ...failure, message: 'x'.repeat(1000) }, log)).reason ?? '';
    assert.match(long, /^Forbidden: x{200,} \(/);
    assert.ok(long.endsWith(` (${log})`), long);
    assert.equal(long.length, 'Forbidden: '.length + 300);

    const far = `http://${'host.'.repeat(50)}/log`;
    assert.equal(errorAnswer(failureAnswer(failure, far)).reason, 'Forbidden: hello failed.');
  });
});
