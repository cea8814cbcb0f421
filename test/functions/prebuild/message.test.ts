import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { PackageSource } from '#core/package-source.ts';
import { IMAGE_LIMIT, parsePrebuildMessage, type PrebuildMessage } from '#functions/prebuild/message.ts';
import { offerOf, SETTINGS } from '#test/core/deployment.ts';

const GIT: PackageSource = { kind: 'git', url: 'https://example.org/set.git' };

function parse(images: unknown, source?: PackageSource): PrebuildMessage {
  return parsePrebuildMessage(Buffer.from(JSON.stringify({ images })), offerOf(source), SETTINGS);
}

function names({ wanted }: PrebuildMessage): string[] {
  return wanted.map(({ name }) => name);
}

describe('a message of prebuilds', () => {
  test('names images, with or without a tag', () => {
    const { wanted, refused, beyondLimit } = parse(['shell/git', 'arm64/curl:v1.2'], GIT);
    assert.deepEqual(
      wanted.map(({ name, request }) => [name, request.platforms, request.ref]),
      [
        ['shell/git:latest', ['linux/amd64'], 'latest'],
        ['arm64/curl:v1.2', ['linux/arm64'], 'v1.2'],
      ],
    );
    assert.ok(wanted[0]?.request.packages.includes('git'));
    assert.deepEqual([refused, beyondLimit], [[], 0]);
  });

  test('is of each image once, however it is named', () => {
    const named = ['curl/git', 'git/curl:latest', 'amd64/git/curl/git', 'git', 'git'];
    assert.deepEqual(parse(named).wanted.length, 2);
  });

  const wrong: readonly [image: unknown, reason: RegExp][] = [
    ['', /a name is package names/],
    ['Git', /a name is package names/],
    ['../../etc/passwd', /a name is package names/],
    ['localhost:8080/shell/git', /without a registry's address/],
    [`git@sha256:${'0'.repeat(64)}`, /not by digest/],
    ['git:', /a tag has at most/],
    ['git:v1', /no tag "v1" here/],
    ['shell:latest:latest', /a tag has at most/],
    ['arm64', /names no package/],
    [Array.from({ length: 65 }, (_, number) => (number + 10).toString()).join('/'), /the limit is 64/],
    ['a'.repeat(100_000), /longer than 255/],
    [42, /named by a string/],
    [null, /named by a string/],
    [{ name: 'git' }, /named by a string/],
    [['git'], /named by a string/],
  ];
  for (const [image, reason] of wrong) {
    test(`leaves out what is no image, and says why: ${JSON.stringify(image).slice(0, 40)}`, () => {
      const message = parse(['git', image, 'curl']);
      assert.deepEqual(names(message), ['git:latest', 'curl:latest']);
      assert.equal(message.refused.length, 1);
      assert.match(message.refused[0]?.reason ?? '', reason);
      assert.ok((message.refused[0]?.image.length ?? 0) <= 301, 'the log repeats no more of it than helps');
    });
  }

  test('has a limit: the first thousand are taken', () => {
    const images = Array.from({ length: IMAGE_LIMIT + 2 }, (_, number) => `package-${number}`);
    const message = parse(images);
    assert.equal(message.wanted.length, IMAGE_LIMIT);
    assert.equal(names(message).at(-1), `package-${IMAGE_LIMIT - 1}:latest`);
    assert.equal(message.beyondLimit, 2);
  });

  const notUnderstood: readonly [data: string | Uint8Array, message: RegExp][] = [
    ['', /not JSON/],
    ['shell/git', /not JSON/],
    [Uint8Array.of(0x22, 0xff, 0x22), /not JSON/],
    ['null', /not of the form/],
    ['["git"]', /not of the form/],
    ['{}', /not of the form/],
    ['{"images": "git"}', /not of the form/],
    ['{"image": ["git"]}', /not of the form/],
  ];
  for (const [data, message] of notUnderstood) {
    test(`is not understood where it is ${String(data) || 'empty'}`, () => {
      assert.throws(() => parsePrebuildMessage(Buffer.from(data), offerOf(), SETTINGS), message);
    });
  }

  test('of anything at all comes to images and reasons, one for each', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { maxLength: 20 }), images => {
        const { wanted, refused } = parse(images);
        assert.ok(wanted.length + refused.length <= images.length);
        assert.ok(wanted.length > 0 || refused.length === images.length);
      }),
    );
  });
});
