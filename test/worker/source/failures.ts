import assert from 'node:assert/strict';
import { PermanentError, TransientError } from '#core/errors.ts';

/** A check for assert.rejects: an answer for good, which says this. */
export function refusal(message: RegExp | string): (error: unknown) => true {
  return error => {
    assert.ok(error instanceof PermanentError, String(error));
    assert.equal(error.failure.kind, 'unknown_source');
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  };
}

/** A check for assert.rejects: something that another try may get past, which says this. */
export function trouble(message: RegExp): (error: unknown) => true {
  return error => {
    assert.ok(error instanceof TransientError, String(error));
    assert.match(error.message, message);
    return true;
  };
}
