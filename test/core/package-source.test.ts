import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { ConfigurationError } from '#core/errors.ts';
import { formatPackageSource, parsePackageSource } from '#core/package-source.ts';
import { packageSource } from './arbitraries.ts';

describe('package source', () => {
  const forms: readonly [text: string, parsed: object][] = [
    ['debian', { kind: 'debian' }],
    ['channel:nixos-26.05', { kind: 'channel', name: 'nixos-26.05' }],
    ['git:https://example.org/a:b.git', { kind: 'git', url: 'https://example.org/a:b.git' }],
    ['git:git@example.org:set.git', { kind: 'git', url: 'git@example.org:set.git' }],
    ['path:/srv/set', { kind: 'path', folder: '/srv/set' }],
  ];
  for (const [text, parsed] of forms) {
    test(`"${text}" is read`, () => assert.deepEqual(parsePackageSource(text), parsed));
  }

  const bad = [
    '', ':', 'channel', 'channel:', 'channel:../x', 'channel:a/b', 'channel:-x', 'channel:a b', 'git', 'git:', 'path:',
    'path:relative', 'debian:', 'debian:x', 'Debian', 'auto', 'constructor', 'toString:x', `channel:${'x'.repeat(101)}`,
  ]; // prettier-ignore
  for (const text of bad) {
    test(`"${text.slice(0, 30)}" is refused with the forms there are`, () => {
      assert.throws(
        () => parsePackageSource(text),
        (error: unknown) =>
          error instanceof ConfigurationError &&
          error.message.includes(`"${text}"`) &&
          /channel:NAME, git:URL, path:\/FOLDER, flake:REFERENCE or debian/.test(error.message),
      );
    });
  }

  test('is written as it is read', () => {
    fc.assert(
      fc.property(packageSource, source =>
        assert.deepEqual(parsePackageSource(formatPackageSource(source)), source),
      ),
    );
  });
});
