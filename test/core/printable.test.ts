import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { printable } from '#core/printable.ts';

test('colours, titles, links and screens are taken out of a text', () => {
  const written: Readonly<Record<string, string>> = {
    '\u001b[1;31merror:\u001b[0m no': 'error: no',
    '\u001b]0;title\u0007x': 'x',
    '\u001b]8;;http://example.org\u001b\\link': 'link',
    '\u001b[?1049h\u001bcx': 'x',
    'a\tb\n\nc  ': 'a\tb\n\nc  ',
    'ünï → 日本 🦀': 'ünï → 日本 🦀',
  };
  for (const [text, expected] of Object.entries(written)) assert.equal(printable(text), expected);
});

test('a line that writes over itself is told as several', () => {
  assert.equal(printable('10%\r20%\r\ndone\r'), '10%\n20%\ndone\n');
});

test('no control character is left, of a sequence in a sequence neither', () => {
  const pieces = fc.constantFrom(
    '\u001b',
    '[',
    '31',
    'm',
    'P',
    ']',
    '\\',
    '\u009b',
    '\u0090',
    '\u0007',
    '\b',
    '\0',
    'x',
    '\n',
  );
  const texts = fc.oneof(
    fc.array(pieces).map(parts => parts.join('')),
    fc.string({ unit: 'binary' }),
  );
  fc.assert(
    fc.property(texts, text => {
      assert.doesNotMatch(printable(text), /(?![\t\n])\p{Cc}/u);
    }),
  );
});
