import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { digestOf } from '#core/digest.ts';
import { RegistryError } from '#core/errors.ts';
import { parseRoute } from '#functions/registry/route.ts';
import { component, tag } from '#test/core/arbitraries.ts';

const DIGEST = digestOf('a manifest');

const routes: readonly [target: string, route: object][] = [
  ['/', { kind: 'landing-page' }],
  ['/?utm=x', { kind: 'landing-page' }],
  ['/v2', { kind: 'api-version' }],
  ['/v2/', { kind: 'api-version' }],
  ['/v2/?a=b', { kind: 'api-version' }],
  ['/v2/hello/manifests/latest', { kind: 'manifest-by-tag', name: 'hello', tag: 'latest' }],
  ['/v2/shell/git/manifests/v1.0?wait=3', { kind: 'manifest-by-tag', name: 'shell/git', tag: 'v1.0' }],
  ['/v2/a/manifests/latest?x=/blobs/y', { kind: 'manifest-by-tag', name: 'a', tag: 'latest' }],
  ['/v2/a/manifests/latest?a?b', { kind: 'manifest-by-tag', name: 'a', tag: 'latest' }],
  [`/v2/a/manifests/${DIGEST}`, { kind: 'manifest-by-digest', name: 'a', digest: DIGEST }],
  [`/v2/a/b/blobs/${DIGEST}?ns=docker.io`, { kind: 'blob', name: 'a/b', digest: DIGEST }],
  // Packages may be called like the parts of an address: the tail decides.
  ['/v2/manifests/manifests/latest', { kind: 'manifest-by-tag', name: 'manifests', tag: 'latest' }],
  ['/v2/a/manifests/b/manifests/c', { kind: 'manifest-by-tag', name: 'a/manifests/b', tag: 'c' }],
  [`/v2/a/manifests/blobs/${DIGEST}`, { kind: 'blob', name: 'a/manifests', digest: DIGEST }],
  [`/v2/v2/blobs/${DIGEST}`, { kind: 'blob', name: 'v2', digest: DIGEST }],
  ['/v2/a/tags/list', { kind: 'tags', name: 'a' }],
  ['/v2/a/tags/list?n=1&last=b', { kind: 'tags', name: 'a' }],
  ['/v2/a/tags/tags/list', { kind: 'tags', name: 'a/tags' }],
  ['/v2/a/tags/manifests/list', { kind: 'manifest-by-tag', name: 'a/tags', tag: 'list' }],
  ['/v2/a/manifests/tags/list', { kind: 'tags', name: 'a/manifests' }],
  [`/v2/a/b/referrers/${DIGEST}?artifactType=x`, { kind: 'referrers', name: 'a/b', digest: DIGEST }],
];

const refused: readonly [target: string, status: number, code: string][] = [
  ['', 404, 'UNSUPPORTED'],
  ['*', 404, 'UNSUPPORTED'],
  ['//', 404, 'UNSUPPORTED'],
  ['/v1/', 404, 'UNSUPPORTED'],
  ['/V2/', 404, 'UNSUPPORTED'],
  ['/v2//', 404, 'UNSUPPORTED'],
  ['//v2/', 404, 'UNSUPPORTED'],
  ['/./v2/', 404, 'UNSUPPORTED'],
  ['/v2/_catalog', 404, 'UNSUPPORTED'],
  ['/v2/tags/list', 404, 'UNSUPPORTED'],
  ['/v2/a/tags/', 404, 'UNSUPPORTED'],
  ['/v2/a/tags/latest', 404, 'UNSUPPORTED'],
  ['/v2/a/tags/list/', 404, 'UNSUPPORTED'],
  ['/v2/A/tags/list', 400, 'NAME_INVALID'],
  ['/v2/a/referrers/', 400, 'DIGEST_INVALID'],
  ['/v2/a/referrers/latest', 400, 'DIGEST_INVALID'],
  [`/v2/A/referrers/${DIGEST}`, 400, 'NAME_INVALID'],
  ['/v2/a/manifests', 404, 'UNSUPPORTED'],
  ['/v2/manifests/latest', 404, 'UNSUPPORTED'],
  ['/v2/a/blobs/uploads/', 404, 'UNSUPPORTED'],
  ['http://elsewhere/v2/', 404, 'UNSUPPORTED'],
  ['/v2/a%2fmanifests/latest', 404, 'UNSUPPORTED'],
  ['/v2//manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/a//b/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/a/../b/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/a%2fb/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/A/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/a\n/manifests/latest', 400, 'NAME_INVALID'],
  ['/v2/a/manifests/', 404, 'MANIFEST_UNKNOWN'],
  ['/v2/a/manifests/..', 404, 'MANIFEST_UNKNOWN'],
  ['/v2/a/manifests/latest%00', 404, 'MANIFEST_UNKNOWN'],
  ['/v2/a/manifests/sha256:totallywrong', 400, 'DIGEST_INVALID'],
  ['/v2/a/manifests/latest:x', 400, 'DIGEST_INVALID'],
  ['/v2/a/blobs/latest', 400, 'DIGEST_INVALID'],
  ['/v2/a/blobs/', 400, 'DIGEST_INVALID'],
  [`/v2/A/blobs/${DIGEST}`, 400, 'NAME_INVALID'],
];

describe('route', () => {
  for (const [target, route] of routes) {
    test(target.slice(0, 50), () => assert.deepEqual(parseRoute(target), route));
  }

  for (const [target, status, code] of refused) {
    test(`T18: ${JSON.stringify(target)} is refused`, () => {
      assert.throws(
        () => parseRoute(target),
        (error: unknown) => error instanceof RegistryError && error.status === status && error.code === code,
      );
    });
  }

  test('every name and tag of the specification is found', () => {
    const names = fc.array(component, { minLength: 1, maxLength: 5 }).map(parts => parts.join('/'));
    fc.assert(
      fc.property(names, tag, (name, text) => {
        assert.deepEqual(parseRoute(`/v2/${name}/manifests/${text}`), {
          kind: 'manifest-by-tag',
          name,
          tag: text,
        });
        assert.deepEqual(parseRoute(`/v2/${name}/blobs/${DIGEST}`), { kind: 'blob', name, digest: DIGEST });
      }),
    );
  });

  test('T18: any text at all is a route or an answer of 4xx', () => {
    const near = fc.string({
      unit: fc.constantFrom(
        '/',
        'v2',
        'manifests',
        'blobs',
        'a',
        ':',
        '?',
        '%',
        '..',
        '\n',
        'sha256:',
        '\u{1f600}',
      ),
    });
    fc.assert(
      fc.property(fc.oneof(near, fc.string({ unit: 'binary' })), text => {
        try {
          parseRoute(text);
        } catch (error) {
          assert.ok(
            error instanceof RegistryError && error.status >= 400 && error.status < 500,
            String(error),
          );
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
