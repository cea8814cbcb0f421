import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isWholeAnswer } from './http-connection.ts';

const ANSWER = Buffer.from('HTTP/1.1 200 OK\r\nDate: today\r\nContent-Length: 4\r\n\r\n{}\r\n');

test('an answer is whole with its last byte, wherever it is cut', () => {
  for (let length = 0; length < ANSWER.length; length += 1) {
    assert.equal(isWholeAnswer(ANSWER.subarray(0, length)), false, `${length} bytes`);
  }
  assert.equal(isWholeAnswer(ANSWER), true);
});

test('what is not counted as a good answer', () => {
  const answer = ANSWER.toString();
  assert.throws(() => isWholeAnswer(Buffer.from(`${answer}H`)), /more than one answer/);
  assert.throws(() => isWholeAnswer(Buffer.from(answer.replace('200 OK', '404 Not Found'))), /404 Not Found/);
  assert.throws(() => isWholeAnswer(Buffer.from(answer.replace('Content-Length: 4', 'X: y'))), /how long/);
});
