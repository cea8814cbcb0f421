import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { decodeHint, encodeHint } from '#core/hint.ts';
import { requestKeySchema } from '#core/image-request.ts';
import { sourceKeySchema } from '#core/source-document.ts';

const hex = 'ab'.repeat(32);
const key = requestKeySchema.parse(hex);

describe('hint', () => {
  test('is read as it is written', () => {
    assert.deepEqual(decodeHint(encodeHint({ look: 'image', key })), { version: 1, look: 'image', key });
    const ofSource = { look: 'source', key: sourceKeySchema.parse(hex) } as const;
    assert.deepEqual(decodeHint(encodeHint(ofSource)), { version: 1, ...ofSource });
  });

  const strangers: readonly [what: string, text: string][] = [
    ['nothing', ''],
    ['no JSON', '{'],
    ['null', 'null'],
    ['a list', '[]'],
    ['a string', `"${hex}"`],
    ['no version', JSON.stringify({ look: 'image', key: hex })],
    ['a later version', JSON.stringify({ version: 2, look: 'image', key: hex })],
    ['a version in quotes', JSON.stringify({ version: '1', look: 'image', key: hex })],
    ['nothing to look at', JSON.stringify({ version: 1, key: hex })],
    ['something else to look at', JSON.stringify({ version: 1, look: 'layer', key: hex })],
    ['no key', JSON.stringify({ version: 1, look: 'source' })],
    ['a key that is none', JSON.stringify({ version: 1, look: 'image', key: '../../etc/passwd' })],
    ['a key in capitals', JSON.stringify({ version: 1, look: 'image', key: hex.toUpperCase() })],
    ['a key with a line end', JSON.stringify({ version: 1, look: 'image', key: `${hex}\n` })],
    ['a key that is too long', JSON.stringify({ version: 1, look: 'image', key: `${hex}0` })],
  ];
  for (const [what, text] of strangers) {
    test(`${what} is none`, () => assert.equal(decodeHint(Buffer.from(text)), undefined));
  }

  test('bytes that are anything are none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => assert.equal(decodeHint(bytes), undefined)),
    );
  });

  test('JSON that is anything is none', () => {
    fc.assert(fc.property(fc.json(), text => assert.equal(decodeHint(Buffer.from(text)), undefined)));
  });

  test('has a key even where a later writer added more', () => {
    assert.equal(
      decodeHint(Buffer.from(JSON.stringify({ version: 1, look: 'image', key: hex, more: 1 })))?.key,
      key,
    );
  });
});
