import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseImageName } from '#functions/prebuild/image-name.ts';

describe('an image as people write it', () => {
  test('has a tag, or is the latest', () => {
    assert.deepEqual(parseImageName('shell/git'), { name: 'shell/git', tag: 'latest' });
    assert.deepEqual(parseImageName('gtk__2b3:feature__2fx'), { name: 'gtk__2b3', tag: 'feature__2fx' });
  });

  const refused: readonly [text: string, message: RegExp][] = [
    ['localhost:8080/shell/git', /without a registry's address, as in shell\/git/],
    ['localhost:8080/shell/git:latest', /without a registry's address/],
    ['https://registry.example.org/git', /without a registry's address/],
    [`hello@sha256:${'0'.repeat(64)}`, /not by digest/],
    ['Git', /lower-case letters and digits, with "\.", "_", "__" or "-" between them/],
    ['git:', /a tag has/],
    ['git:a:b', /a tag has/],
    ['', /a name is package names/],
  ];
  for (const [text, message] of refused) {
    test(`is not ${text.slice(0, 40) || 'nothing'}`, () => {
      assert.throws(() => parseImageName(text), message);
    });
  }
});
