import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PermanentError, TransientError } from '#core/errors.ts';
import { sourceKey } from '#core/source-document.ts';
import { lookAtSource } from '#worker/look-at-source.ts';
import type { Revisions } from '#worker/revisions.ts';
import { collectLog } from '#test/collected-log.ts';

const key = sourceKey({ source: { kind: 'debian' }, ref: 'latest' });

function look(refresh: Revisions['refresh'], stopping = new AbortController().signal) {
  const { log, lines } = collectLog();
  const revisions = { refresh, forImage: () => assert.fail('no image is to be made') };
  return { handled: lookAtSource({ revisions, log, stopping }, key), lines };
}

describe('a hint at a source', () => {
  test('is done when the source was looked at', async () => {
    const looked: string[] = [];
    const { handled, lines } = look(async asked => void looked.push(asked));
    assert.equal(await handled, 'done');
    assert.deepEqual([looked, lines.length], [[key], 0]);
  });

  const troubles = [
    new TransientError('no answer'),
    new PermanentError({ kind: 'unknown_source', message: 'there is no branch "main"' }),
    new TypeError('nobody foresaw it'),
  ];
  for (const trouble of troubles) {
    test(`is not kept where it cannot be looked at, and why is said: ${trouble.name}`, async () => {
      const { handled, lines } = look(() => Promise.reject(trouble));
      assert.equal(await handled, 'done');
      const [line] = lines;
      assert.equal(lines.length, 1);
      assert.equal(line?.['source'], key);
      assert.match(JSON.stringify(line?.['error']), new RegExp(trouble.message.replaceAll('"', '.*')));
    });
  }

  test('is given back by a worker that stops', async () => {
    const stopping = new AbortController();
    const { handled, lines } = look((_key, signal) => {
      stopping.abort();
      return Promise.reject(signal.reason as Error);
    }, stopping.signal);
    assert.equal(await handled, 'again');
    assert.equal(lines.length, 0);
  });
});
