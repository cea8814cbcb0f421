import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConfigurationError } from '#core/errors.ts';
import {
  flakeInputAt,
  flakeKeepsRevisions,
  parseFlakeReference,
  type FlakeInput,
} from '#core/flake-reference.ts';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const OTHER = 'f'.repeat(40);

describe('a reference to a flake', () => {
  const rows: readonly [reference: string, input: FlakeInput, at: FlakeInput | undefined][] = [
    [
      'github:NixOS/nixpkgs',
      { type: 'github', owner: 'NixOS', repo: 'nixpkgs' },
      { type: 'github', owner: 'NixOS', repo: 'nixpkgs', rev: OTHER },
    ],
    [
      'github:NixOS/nixpkgs/nixos-26.05',
      { type: 'github', owner: 'NixOS', repo: 'nixpkgs', ref: 'nixos-26.05' },
      { type: 'github', owner: 'NixOS', repo: 'nixpkgs', rev: OTHER },
    ],
    [
      'github:o/r/feature/x?host=git.example.org',
      { type: 'github', owner: 'o', repo: 'r', ref: 'feature/x', host: 'git.example.org' },
      { type: 'github', owner: 'o', repo: 'r', rev: OTHER, host: 'git.example.org' },
    ],
    [
      `gitlab:group%2Fsub/r/${COMMIT}`,
      { type: 'gitlab', owner: 'group/sub', repo: 'r', rev: COMMIT },
      { type: 'gitlab', owner: 'group/sub', repo: 'r', rev: OTHER },
    ],
    [
      `sourcehut:~me/r?rev=${COMMIT}`,
      { type: 'sourcehut', owner: '~me', repo: 'r', rev: COMMIT },
      { type: 'sourcehut', owner: '~me', repo: 'r', rev: OTHER },
    ],
    ['flake:nixpkgs', { type: 'indirect', id: 'nixpkgs' }, { type: 'indirect', id: 'nixpkgs', rev: OTHER }],
    [
      `flake:nixpkgs/${COMMIT}`,
      { type: 'indirect', id: 'nixpkgs', rev: COMMIT },
      { type: 'indirect', id: 'nixpkgs', rev: OTHER },
    ],
    [
      'git+https://example.org/set.git?ref=main&submodules=1&shallow=0',
      { type: 'git', url: 'https://example.org/set.git', ref: 'main', submodules: true, shallow: false },
      {
        type: 'git',
        url: 'https://example.org/set.git',
        ref: 'main',
        rev: OTHER,
        submodules: true,
        shallow: false,
      },
    ],
    [
      `git+ssh://git@example.org/set.git?rev=${COMMIT}`,
      { type: 'git', url: 'ssh://git@example.org/set.git', rev: COMMIT },
      { type: 'git', url: 'ssh://git@example.org/set.git', rev: OTHER },
    ],
    [
      'git+file:///srv/set',
      { type: 'git', url: 'file:///srv/set' },
      { type: 'git', url: 'file:///srv/set', rev: OTHER },
    ],
    ['path:/srv/a%20set', { type: 'path', path: '/srv/a set' }, undefined],
    [
      `path:/srv/set?narHash=sha256-${'A'.repeat(43)}%3D`,
      { type: 'path', path: '/srv/set', narHash: `sha256-${'A'.repeat(43)}=` },
      undefined,
    ],
    ['https://example.org/set.tar.gz', { type: 'tarball', url: 'https://example.org/set.tar.gz' }, undefined],
    ['tarball+https://example.org/set', { type: 'tarball', url: 'https://example.org/set' }, undefined],
  ];
  for (const [reference, input, at] of rows) {
    test(`is parsed, and names another commit: ${reference}`, () => {
      assert.deepEqual(parseFlakeReference(reference), input);
      assert.deepEqual(flakeInputAt(input, OTHER), at);
    });
  }

  for (const [reference, problem] of [
    ['nixpkgs', /is not a full flake reference/],
    ['/srv/set', /is not a full flake reference/],
    ['./set', /is not a full flake reference/],
    ['github:', /is not a full flake reference/],
    ['github:nixpkgs', /names no owner and repository/],
    ['path:set', /does not begin with "\/"/],
    ['path:../set', /does not begin with "\/"/],
    ['https://example.org/set', /no archive/],
    ['hg+https://example.org/set', /begins with "hg\+https:", which is not supported/],
    ['git+ext::touch /tmp/x', /begins with "git\+ext:"/],
    ['github:NixOS/nixpkgs#hello', /has a "#"/],
    ['github:NixOS/nixpkgs?dir=lib', /has "dir"/],
    ['github:NixOS/nixpkgs?rev=abc', /has a "rev" that cannot be/],
    ['git+https://example.org/x?ref=--upload-pack=x', /has a "ref" that cannot be/],
    ['git+https://example.org/x?submodules=yes', /has a "submodules" that cannot be/],
    ['git+https://example.org/x?toString=1', /has "toString", which is not supported/],
    ['path:/srv/set?rev=0', /has "rev", which is not supported/],
    ['github:%/x', /has a "%" that begins no character/],
  ] as const) {
    test(`is refused: ${reference}`, () => {
      assert.throws(
        () => parseFlakeReference(reference),
        error => error instanceof ConfigurationError && problem.test(error.message),
      );
    });
  }

  test('keeps its revisions where Nix can fetch an earlier one', () => {
    const keeps = (reference: string): boolean => flakeKeepsRevisions(parseFlakeReference(reference));
    for (const reference of [
      'github:a/b',
      'flake:nixpkgs',
      'git+https://example.org/x',
      'git+ssh://example.org/x',
    ])
      assert.equal(keeps(reference), true, reference);
    for (const reference of ['path:/srv/set', 'git+file:///srv/set', 'https://example.org/x.tar.gz'])
      assert.equal(keeps(reference), false, reference);
  });
});
