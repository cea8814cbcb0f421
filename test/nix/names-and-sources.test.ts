// The table of names and sources: a row for each rule that Nixery's users know and for each of ours, and each of Nixery's
// defects in them. Names go through the parser and the resolver with the bundled set; what a row's comment names is pinned
// there, and not here again.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { RegistryError } from '#core/errors.ts';
import { offerOf } from '#core/google/deployment-settings.ts';
import {
  parseImageRequest,
  requestKey,
  requestsByPlatform,
  type ImageRequest,
  type Offer,
} from '#core/image-request.ts';
import { settingsDigest } from '#core/image-settings.ts';
import { META_PACKAGES } from '#core/meta-packages.ts';
import { parseRepositoryName, parseTag } from '#core/reference.ts';
import { formatSourceAtRef } from '#core/source-at-ref.ts';
import { isPinned } from '#core/source-document.ts';
import { readPrebuildSettings } from '#functions/prebuild/settings.ts';
import { IMAGE_SETTINGS, SETTINGS } from '#test/core/deployment.ts';
import type { ResolvedItem } from '#worker/nix/resolve.ts';
import { debianSet, resolveNames } from './debian-set.ts';

const AMD = 'linux/amd64';
const ARM = 'linux/arm64';
const SHELL = ['bashInteractive', 'coreutils', 'moreutils', 'nano'];

/** The offer of a registry with these settings. */
function offer(settings: Record<string, string>): Offer {
  const fixed = { GOOGLE_CLOUD_PROJECT: 'p', DERIVERY_BLOB_URL: 'https://blobs.example.org' };
  return offerOf(readPrebuildSettings({ ...fixed, ...settings }));
}

function ask(name: string, tag = 'latest', offered = offer({ DERIVERY_SOURCE: 'debian' })): ImageRequest {
  return parseImageRequest(parseRepositoryName(name), parseTag(tag), offered);
}

const keyOf = (name: string, tag?: string, offered?: Offer) => requestKey(ask(name, tag, offered), SETTINGS);

describe('names', () => {
  interface Row {
    readonly rule: string;
    readonly name: string;
    /** The attributes that its packages are; one that is not there, and so on, by what the resolver says of it. */
    readonly attributes: readonly string[];
    readonly platforms?: readonly string[];
    readonly user?: string;
  }

  const rows: readonly Row[] = [
    { rule: 'a component is a package', name: 'hello', attributes: ['hello'] },
    { rule: 'several are several', name: 'jq/git', attributes: ['git', 'jq'] },
    { rule: 'their order does not matter', name: 'git/jq', attributes: ['git', 'jq'] },
    { rule: 'one that is repeated counts once', name: 'git/git/jq', attributes: ['git', 'jq'] },

    { rule: 'shell adds four packages', name: 'shell', attributes: SHELL },
    { rule: 'shell, and a package', name: 'shell/git', attributes: [...SHELL, 'git'] },
    { rule: 'builder adds shell, and stdenv with its tools', name: 'builder', attributes: addsOf('builder') },
    { rule: 'arm64', name: 'arm64/hello', attributes: ['hello'], platforms: [ARM] },
    { rule: 'amd64', name: 'amd64/hello', attributes: ['hello'], platforms: [AMD] },
    {
      rule: 'both ask for an index',
      name: 'arm64/amd64/hello',
      attributes: ['hello'],
      platforms: [AMD, ARM],
    },
    { rule: 'nonroot', name: 'nonroot/hello', attributes: ['hello'], user: 'nonroot' },
    {
      rule: 'meta-packages in one order',
      name: 'shell/arm64/hello',
      attributes: [...SHELL, 'hello'],
      platforms: [ARM],
    },
    {
      rule: 'and in the other',
      name: 'arm64/shell/hello',
      attributes: [...SHELL, 'hello'],
      platforms: [ARM],
    },
    {
      rule: 'all of them',
      name: 'nonroot/builder/arm64/shell/amd64/hello',
      attributes: [...addsOf('builder'), 'hello'],
      platforms: [AMD, ARM],
      user: 'nonroot',
    },
    {
      rule: 'behind a package none is more than a package',
      name: 'hello/shell',
      attributes: ['hello', 'shell: not_found'],
    },
    { rule: 'nor a platform', name: 'hello/arm64', attributes: ['arm64: not_found', 'hello'] },

    { rule: 'an attribute in another case', name: 'bashinteractive', attributes: ['bashInteractive'] },
    // Nixery folds the names of the first level only.
    { rule: 'in another case at every level', name: 'perlpackages.json', attributes: ['perlPackages.JSON'] },
    { rule: 'a dot reaches a nested set', name: 'xorg.xev', attributes: ['xorg.xev'] },
    { rule: 'and an output', name: 'openssl.dev', attributes: ['openssl.dev'] },
    { rule: 'a digit at the front finds the underscore', name: '7zz', attributes: ['_7zz'] },
    {
      rule: 'an escape says what the grammar has no room for',
      name: 'libsigc__2b__2b',
      attributes: ['libsigc++'],
    },
    { rule: 'an escape at the front has a 0 before it', name: '0__5f7zz', attributes: ['_7zz'] },
    // Nixery takes the last of them. With the exact name before others: test/nix/resolve.test.ts.
    { rule: 'several in other cases are none', name: 'twin-hello', attributes: ['twin-hello: ambiguous'] },
    { rule: 'an escape chooses among them', name: 'twin__2d__48ello', attributes: ['twin-Hello'] },

    // Nixery's answer to all of these is an opaque 500; in words: test/worker/resolution.test.ts, test/e2e/error-texts.test.ts.
    { rule: 'what is not there', name: 'gti', attributes: ['gti: not_found'] },
    { rule: 'a set is no package', name: 'lib', attributes: ['lib: not_a_package'] },
    { rule: 'a function is none', name: 'lib.id', attributes: ['lib.id: not_a_package'] },
    { rule: 'an alias of what is gone', name: 'removed-hello', attributes: ['removed-hello: removed'] },
    {
      rule: 'what the set refuses',
      name: 'unfree-hello/broken-hello/insecure-hello/unsupported-hello',
      attributes: ['broken', 'insecure', 'unfree', 'unsupported'].map(reason => `${reason}-hello: refused`),
    },
    // That what ends an evaluation takes no other name down: test/nix/resolve.test.ts.
    { rule: 'one bad name beside a good one', name: 'hello/gti', attributes: ['gti: not_found', 'hello'] },
    // No expressions, no store paths: test/nix/hostile-names.test.ts, test/core/reference.test.ts.
    {
      rule: 'no attribute of a derivation',
      name: 'hello.drvpath',
      attributes: ['hello.drvpath: not_a_package'],
    },
  ];

  let items: ReadonlyMap<string, ResolvedItem>;
  before(async () => {
    const names = [...new Set(rows.flatMap(({ name }) => ask(name).packages))];
    items = new Map((await resolveNames(await debianSet(), names)).map(item => [item.name, item]));
  });

  for (const { rule, name, attributes, platforms = [AMD], user = 'root' } of rows) {
    test(`${name}: ${rule}`, () => {
      const request = ask(name);
      assert.deepEqual([request.platforms, request.user], [platforms, user]);
      const means = request.packages.map(one => {
        const item = items.get(one);
        return item?.kind === 'found' ? item.attribute : `${one}: ${item?.kind}`;
      });
      assert.deepEqual(means.toSorted(), [...new Set(attributes)].toSorted());
    });
  }

  test('every meta-package has a row', () => {
    for (const name of Object.keys(META_PACKAGES))
      assert.ok(
        rows.some(row => row.name.split('/')[0] === name),
        name,
      );
  });

  // A name without a package, too many packages, what the grammar does not know: test/core/image-request.test.ts and
  // reference.test.ts. Certificates and iana-etc beside all packages: test/worker/resolution.test.ts.

  const oneKey: readonly (readonly string[])[] = [
    ['git/jq', 'jq/git', 'git/jq/git'],
    ['shell/git', 'shell/git/nano', 'shell/shell/git', 'amd64/shell/git', 'shell/amd64/git'],
    ['builder', 'builder/shell', 'shell/builder/gzip'],
    ['arm64/amd64/hello', 'amd64/arm64/hello'],
  ];
  for (const names of oneKey) {
    test(`${names.join(', ')} share a key`, () =>
      assert.equal(new Set(names.map(name => keyOf(name))).size, 1));
  }
  // Spellings that only evaluation can tell to be the same share the digest: test/e2e/image-content.test.ts.
});

describe('sources', () => {
  const COMMIT = '0123456789abcdef0123456789abcdef01234567';
  const URL = 'https://example.org/set.git';
  const rules = [
    'nixos-26.05=channel:nixos-26.05',
    'unstable=channel:nixos-unstable',
    '{commit}=channel:{commit}',
    `our-*=git:${URL}`,
    'flake-*=flake:github:owner/set/*',
    'here=path:/srv/set',
  ].join(' ');

  const rows: readonly [
    rule: string,
    settings: Record<string, string>,
    tag: string,
    means: string,
    pinned?: boolean,
  ][] = [
    ['a channel', { NIXERY_CHANNEL: 'nixos-unstable' }, 'latest', 'channel:nixos-unstable'],
    ['a commit of nixpkgs', { NIXERY_CHANNEL: COMMIT }, 'latest', `channel:${COMMIT}`, true],
    ['a git repository', { NIXERY_PKGS_REPO: URL }, 'latest', `git:${URL}`],
    ['by SSH', { NIXERY_PKGS_REPO: 'git@example.org:set.git' }, 'latest', 'git:git@example.org:set.git'],
    ['its branch', { NIXERY_PKGS_REPO: URL }, 'main', `git:${URL}#main`],
    // A tag has no "/", and Nixery no way to write it.
    ['its branch with a slash', { NIXERY_PKGS_REPO: URL }, 'feature__2fx', `git:${URL}#feature/x`],
    // Found as a branch first, then as a tag, annotated or not: test/worker/source/git-refs.test.ts. Nixery finds branches only.
    ['its tag', { NIXERY_PKGS_REPO: URL }, 'release-v2', `git:${URL}#release-v2`],
    // Also off the default branch, which Nixery does not find: test/worker/source/git-source.test.ts.
    ['its commit', { NIXERY_PKGS_REPO: URL }, COMMIT, `git:${URL}#${COMMIT}`, true],
    ['seven digits are no commit', { NIXERY_PKGS_REPO: URL }, '0123456', `git:${URL}#0123456`],
    ['a folder', { NIXERY_PKGS_PATH: '/srv/nixpkgs' }, 'latest', 'path:/srv/nixpkgs'],
    [
      'a channel before a repository before a folder',
      { NIXERY_CHANNEL: 'c', NIXERY_PKGS_REPO: URL, NIXERY_PKGS_PATH: '/p' },
      'latest',
      'channel:c',
    ],
    [
      'a repository before a folder',
      { NIXERY_PKGS_REPO: URL, NIXERY_PKGS_PATH: '/p' },
      'latest',
      `git:${URL}`,
    ],
    ['ours before Nixery’s', { DERIVERY_SOURCE: 'debian', NIXERY_CHANNEL: 'c' }, 'latest', 'debian'],
    ['a flake', { DERIVERY_SOURCE: 'flake:github:NixOS/nixpkgs' }, 'latest', 'flake:github:NixOS/nixpkgs'],
    [
      'a commit of a flake',
      { DERIVERY_SOURCE: `flake:github:NixOS/nixpkgs/${COMMIT}` },
      'latest',
      `flake:github:NixOS/nixpkgs/${COMMIT}`,
      true,
    ],
    ['one ref of a repository', { DERIVERY_SOURCE: `git:${URL}#v1` }, 'latest', `git:${URL}#v1`],
    ['a rule', { DERIVERY_SOURCES: rules }, 'nixos-26.05', 'channel:nixos-26.05'],
    ['another', { DERIVERY_SOURCES: rules }, 'unstable', 'channel:nixos-unstable'],
    // thread 27: a revision for each image.
    ['a rule for commits', { DERIVERY_SOURCES: rules }, COMMIT, `channel:${COMMIT}`, true],
    ['a rule for refs', { DERIVERY_SOURCES: rules }, 'our-a__2fb', `git:${URL}#a/b`],
    ['a rule for a flake’s refs', { DERIVERY_SOURCES: rules }, 'flake-v1', 'flake:github:owner/set/v1'],
    ['a rule for a folder', { DERIVERY_SOURCES: rules }, 'here', 'path:/srv/set'],
    ['the default beside rules', { DERIVERY_SOURCES: rules, DERIVERY_SOURCE: 'debian' }, 'latest', 'debian'],
    // Nixery answers any tag with the only set that it has.
    ['a tag that is not offered', { DERIVERY_SOURCE: 'channel:c' }, 'v1', '404'],
    ['nor is one by rules', { DERIVERY_SOURCES: rules }, 'stable', '404'],
    ['nor a ref that git could not have', { NIXERY_PKGS_REPO: URL }, 'a..b', '404'],
    // What else leads nowhere: test/core/source-rules.test.ts. Which protocols git may speak: test/worker/source/git.test.ts;
    // netrc and SSH keys: git-login.test.ts; a branch that has moved: test/functions/registry/staleness.test.ts.
  ];
  for (const [rule, settings, tag, means, pinned = false] of rows) {
    test(`${rule}: ${tag} is ${means}`, () => {
      const isSet = Object.keys(settings).some(
        name => name === 'DERIVERY_SOURCE' || name.startsWith('NIXERY_'),
      );
      const offered = offer(isSet ? settings : { ...settings, DERIVERY_SOURCE: 'debian' });
      if (means === '404') {
        assert.throws(
          () => ask('hello', tag, offered),
          (error: unknown) =>
            error instanceof RegistryError && error.status === 404 && error.code === 'MANIFEST_UNKNOWN',
        );
        return;
      }
      const request = ask('hello', tag, offered);
      assert.equal(formatSourceAtRef(request), means);
      assert.equal(isPinned(request), pinned, 'a pinned source is never resolved again, a moving one is');
    });
  }
});

describe('T25, N1: Nixery’s defects in keys', () => {
  const git = (url: string) => offer({ DERIVERY_SOURCE: `git:${url}` });
  const C = 'c'.repeat(40);
  const different: readonly [what: string, a: string, b: string][] = [
    ['the platform is a part of it', keyOf('hello', C, git('/a')), keyOf('arm64/hello', C, git('/a'))],
    ['an index is none of its images', keyOf('arm64/amd64/hello'), keyOf('amd64/hello')],
    ['names are not run together', keyOf('ab/c', C, git('/a')), keyOf('a/bc', C, git('/a'))],
    ['the repository is a part of it', keyOf('hello', C, git('/a')), keyOf('hello', C, git('/b'))],
    [
      'the kind of the source is',
      keyOf('hello', C, git('/a')),
      keyOf('hello', 'latest', offer({ DERIVERY_SOURCE: `channel:${C}` })),
    ],
    ['the ref is', keyOf('hello', 'a', git('/a')), keyOf('hello', 'b', git('/a'))],
    ['the user is', keyOf('hello'), keyOf('nonroot/hello')],
    // With it the version of the packer: test/core/image-settings.test.ts.
    [
      'what images are made by is',
      keyOf('hello'),
      requestKey(ask('hello'), settingsDigest({ ...IMAGE_SETTINGS, layerBudget: 7 })),
    ],
  ];
  for (const [what, a, b] of different) test(what, () => assert.notEqual(a, b));

  test('an image of an index has the key that it has on its own', () => {
    const keys = requestsByPlatform(ask('arm64/amd64/hello')).map(request => requestKey(request, SETTINGS));
    assert.deepEqual(keys, [keyOf('amd64/hello'), keyOf('arm64/hello')]);
  });
});

// Nixery's other defects in what clients ask and are told:
// - HEAD makes no build of its own, `?ns=` changes nothing: test/functions/registry/nixery-defects.test.ts
// - digest, length and type of every answer, errors' too; a blob that is not there is 404: test/functions/registry/pull.test.ts
// - errors have the specification's format, whatever was asked: test/functions/registry/hostile.test.ts
// - a long stderr holds nothing up: test/worker/nix/run-nix.test.ts
// - the page about the registry escapes what it shows, and shows no logs: test/functions/registry/landing-page.test.ts
// - a channel's archive is fetched once a commit: test/worker/source/channel.test.ts

function addsOf(meta: string): readonly string[] {
  const found = META_PACKAGES[meta];
  assert.ok(found !== undefined && 'adds' in found);
  return found.adds;
}
