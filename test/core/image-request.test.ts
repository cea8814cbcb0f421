import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { RegistryError } from '#core/errors.ts';
import {
  imageRequestSchema,
  PACKAGE_LIMIT,
  parseImageRequest,
  requestKey,
  requestsByPlatform,
  type ImageRequest,
  type Offer,
  type RequestKey,
} from '#core/image-request.ts';
import { settingsDigestSchema } from '#core/image-settings.ts';
import { META_PACKAGES } from '#core/meta-packages.ts';
import { formatPackageSource, type PackageSource } from '#core/package-source.ts';
import type { Platform } from '#core/platform.ts';
import { parseRepositoryName, parseTag } from '#core/reference.ts';
import { component, packageSource, treacherousText } from './arbitraries.ts';
import { offerOf, OTHER_SETTINGS, SETTINGS } from './deployment.ts';

const DEBIAN = { kind: 'debian' } as const;
const GIT = { kind: 'git', url: 'https://example.org/set.git' } as const;
const BUILDER = [...(META_PACKAGES['builder'] as { readonly adds: readonly string[] }).adds].toSorted();
const SHELL = ['bashInteractive', 'coreutils', 'moreutils', 'nano'];

function request(name: string, tag = 'latest', source: PackageSource = DEBIAN): ImageRequest {
  return parseImageRequest(parseRepositoryName(name), parseTag(tag), offerOf(source));
}

const keyOf = (one: ImageRequest): RequestKey => requestKey(one, SETTINGS);

function refusal(name: string, tag?: string, source?: PackageSource): RegistryError {
  try {
    request(name, tag, source);
  } catch (error) {
    assert.ok(error instanceof RegistryError, String(error));
    return error;
  }
  return assert.fail(`${name} was not refused`);
}

describe('image request', () => {
  const asked: readonly [
    name: string,
    packages: readonly string[],
    platforms: readonly Platform[],
    user?: ImageRequest['user'],
  ][] = [
    ['hello', ['hello'], ['linux/amd64']],
    ['jq/git/curl', ['curl', 'git', 'jq'], ['linux/amd64']],
    ['git/git/git', ['git'], ['linux/amd64']],
    ['shell', SHELL, ['linux/amd64']],
    ['shell/shell/nano', SHELL, ['linux/amd64']],
    ['shell/git', ['bashInteractive', 'coreutils', 'git', 'moreutils', 'nano'], ['linux/amd64']],
    ['amd64/hello', ['hello'], ['linux/amd64']],
    ['arm64/hello', ['hello'], ['linux/arm64']],
    ['shell/arm64/hello', [...SHELL, 'hello'].toSorted(), ['linux/arm64']],
    ['arm64/shell/hello', [...SHELL, 'hello'].toSorted(), ['linux/arm64']],
    // Several platforms ask for an index.
    ['arm64/amd64/hello', ['hello'], ['linux/amd64', 'linux/arm64']],
    ['amd64/shell/arm64/amd64/hello', [...SHELL, 'hello'].toSorted(), ['linux/amd64', 'linux/arm64']],
    ['builder/hello', [...BUILDER, 'hello'].toSorted(), ['linux/amd64']],
    ['builder/shell', BUILDER, ['linux/amd64']],
    ['nonroot/hello', ['hello'], ['linux/amd64'], 'nonroot'],
    ['nonroot/nonroot/hello', ['hello'], ['linux/amd64'], 'nonroot'],
    ['hello/nonroot', ['hello', 'nonroot'], ['linux/amd64'], 'root'],
    ['hello/builder', ['builder', 'hello'], ['linux/amd64'], 'root'],
    // Behind the first package every name is a package, whatever it is called.
    ['hello/shell', ['hello', 'shell'], ['linux/amd64']],
    ['hello/arm64', ['arm64', 'hello'], ['linux/amd64']],
    ['shell/hello/arm64', [...SHELL, 'arm64', 'hello'].toSorted(), ['linux/amd64']],
    // Names that every JavaScript object has are packages like any other.
    ['constructor/valueof', ['constructor', 'valueof'], ['linux/amd64']],
    // By code units: no locale puts "_" or digits elsewhere.
    ['b/a_c/a-b/a.b/a1/a', ['a', 'a-b', 'a.b', 'a1', 'a_c', 'b'], ['linux/amd64']],
  ];
  for (const [name, packages, platforms, user = 'root'] of asked) {
    test(name, () =>
      assert.deepEqual(request(name), { packages, platforms, user, source: DEBIAN, ref: 'latest' }),
    );
  }

  test('means the same whatever the order of the meta-packages at its front', () => {
    const front = fc.shuffledSubarray(Object.keys(META_PACKAGES));
    fc.assert(
      fc.property(front, fc.infiniteStream(fc.nat(9)), (metas, choices) => {
        const again = metas.toSorted(() => (choices.next().value ?? 0) - 4);
        assert.deepEqual(request([...metas, 'hello'].join('/')), request([...again, 'hello'].join('/')));
      }),
    );
  });

  test('is for the platforms of the deployment where its name has none', () => {
    const offer: Offer = { ...offerOf(), platforms: ['linux/arm64', 'linux/amd64', 'linux/arm64'] };
    const platforms = (name: string) =>
      parseImageRequest(parseRepositoryName(name), parseTag('latest'), offer).platforms;
    assert.deepEqual(platforms('hello'), ['linux/amd64', 'linux/arm64']);
    assert.deepEqual(platforms('arm64/hello'), ['linux/arm64']);
  });

  test('of several platforms is made of one for each', () => {
    const both = request('arm64/amd64/nonroot/hello');
    assert.deepEqual(requestsByPlatform(both), [
      { ...both, platforms: ['linux/amd64'] },
      { ...both, platforms: ['linux/arm64'] },
    ]);
    assert.deepEqual(requestsByPlatform(request('hello')), [request('hello')]);
  });

  test('without a package is refused with an example', () => {
    assert.equal(refusal('arm64').status, 404);
    assert.match(refusal('arm64').message, /arm64\/hello/);
  });

  test(`T14: has at most ${PACKAGE_LIMIT} packages, and those that meta-packages add count`, () => {
    const many = (count: number): string => Array.from({ length: count }, (_, i) => `p${i}`).join('/');
    assert.equal(request(many(PACKAGE_LIMIT)).packages.length, PACKAGE_LIMIT);
    assert.equal(request(`${many(30)}/${many(30)}`).packages.length, 30);
    for (const name of [many(PACKAGE_LIMIT + 1), `shell/${many(PACKAGE_LIMIT - 3)}`]) {
      const { status, code, message } = refusal(name);
      assert.deepEqual([status, code], [400, 'NAME_INVALID']);
      assert.match(message, /asks for 65 packages; the limit is 64/);
    }
  });

  test('has any tag of a git source as its ref, and "latest" only of the others', () => {
    assert.equal(request('hello', 'v1.0', GIT).ref, 'v1.0');
    assert.equal(request('hello', 'latest', GIT).ref, 'latest');
    const others: PackageSource[] = [
      DEBIAN,
      { kind: 'channel', name: 'nixos-26.05' },
      { kind: 'path', folder: '/set' },
    ];
    for (const source of others) {
      assert.equal(request('hello', 'latest', source).ref, 'latest');
      const { status, code, message } = refusal('hello', 'v1.0', source);
      assert.deepEqual([status, code], [404, 'MANIFEST_UNKNOWN']);
      assert.ok(message.includes(formatPackageSource(source)), message);
      assert.match(message, /"v1\.0"/);
    }
  });
});

describe('request key', () => {
  test('stands: documents in the database are found by it', () => {
    const settings = settingsDigestSchema.parse('5'.repeat(64));
    assert.equal(
      requestKey(request('shell/git/curl'), settings),
      '88f0c2fef107e46b88bce5363bd6281a023049260413983d75f3096dc7cb64da',
    );
  });

  test('differs with the settings, and with nothing else of the deployment', () => {
    const one = request('hello');
    assert.notEqual(requestKey(one, SETTINGS), requestKey(one, OTHER_SETTINGS));
  });

  test('is the same for every order, every repetition, and the packages of a meta-package', () => {
    const names = fc.array(component, { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(names, fc.infiniteStream(fc.nat(5)), (components, choices) => {
        fc.pre(components.every(one => !Object.hasOwn(META_PACKAGES, one)));
        const again = components.concat(components).toSorted(() => (choices.next().value ?? 0) - 2);
        assert.equal(keyOf(request(components.join('/'))), keyOf(request(again.join('/'))));
      }),
    );
    assert.equal(keyOf(request('amd64/git')), keyOf(request('git')));
    assert.equal(keyOf(request('shell/nano')), keyOf(request('shell')));
    assert.equal(keyOf(request('builder/shell/gzip')), keyOf(request('builder')));
    assert.equal(keyOf(request('arm64/amd64/git')), keyOf(request('amd64/arm64/git')));
  });

  /** Of so few parts that two names often mean the same. */
  const reference = fc.record({
    parts: fc.array(fc.constantFrom('shell', 'nano', 'git', 'arm64', 'amd64', 'nonroot', 'a', 'a.b', 'ab'), {
      minLength: 1,
      maxLength: 4,
    }),
    tag: fc.constantFrom('latest', 'main', 'a__2fb', 'a__2d__62', 'a-b'),
  });

  /** What makes an image another one, said in another way than the code does. */
  function meaningOf({ parts, tag }: { readonly parts: readonly string[]; readonly tag: string }): string {
    const isMeta = (part: string): boolean => Object.hasOwn(META_PACKAGES, part);
    const firstPackage = parts.findIndex(part => !isMeta(part));
    const front = firstPackage < 0 ? parts : parts.slice(0, firstPackage);
    const packages = new Set(firstPackage < 0 ? [] : parts.slice(firstPackage));
    if (front.includes('shell')) for (const added of SHELL) packages.add(added);
    const has = (name: string): string => (front.includes(name) ? name : '');
    const platforms = `${has('amd64')}${has('arm64')}` || 'amd64';
    const ref = tag.replace('__2f', '/').replace('__2d', '-').replace('__62', 'b');
    return [[...packages].toSorted().join(' '), platforms, has('nonroot'), ref].join(' | ');
  }

  test('T25, N1: is the same for two references where they mean one image, and only there', () => {
    let alike = 0;
    fc.assert(
      fc.property(reference, reference, (a, b) => {
        const [keyA, keyB] = [a, b].map(({ parts, tag }) => {
          try {
            return keyOf(request(parts.join('/'), tag, GIT));
          } catch (error) {
            assert.ok(
              error instanceof RegistryError && /names no package/.test(error.message),
              String(error),
            );
            return undefined;
          }
        });
        if (keyA === undefined || keyB === undefined) return;
        if (keyA === keyB) alike += 1;
        assert.equal(keyA === keyB, meaningOf(a) === meaningOf(b), `${meaningOf(a)} and ${meaningOf(b)}`);
      }),
      { numRuns: 5_000 },
    );
    assert.ok(alike > 5, `only ${alike} meant the same`);
  });

  /** Wider than what a client can ask for: the key must not depend on the grammar to be injective. */
  const anyRequest = fc.record({
    packages: fc.array(treacherousText, { maxLength: 3 }),
    platforms: fc.constantFrom<ImageRequest['platforms'][]>(
      ['linux/amd64'],
      ['linux/arm64'],
      ['linux/amd64', 'linux/arm64'],
    ),
    user: fc.constantFrom('root' as const, 'nonroot' as const),
    source: packageSource,
    ref: treacherousText,
  });

  test('T25, N1: is the same for two requests only where they are equal', () => {
    fc.assert(
      fc.property(anyRequest, anyRequest, (a, b) => {
        assert.equal(keyOf(a) === keyOf(b), JSON.stringify(a) === JSON.stringify(b));
      }),
      { numRuns: 1_000 },
    );
  });

  test('differs where one field differs', () => {
    fc.assert(
      fc.property(anyRequest, anyRequest, (a, b) => {
        for (const field of ['packages', 'platforms', 'user', 'source', 'ref'] as const) {
          const mixed = { ...a, [field]: b[field] };
          const equal = JSON.stringify(mixed) === JSON.stringify(a);
          assert.equal(keyOf(mixed) === keyOf(a), equal, field);
        }
      }),
    );
  });

  test('T25: is not forged by separators', () => {
    const base: ImageRequest = {
      packages: ['a', 'b'],
      platforms: ['linux/amd64'],
      user: 'root',
      source: DEBIAN,
      ref: 'latest',
    };
    const forged: ImageRequest[] = [
      { ...base, packages: ['a,b'] },
      { ...base, packages: ['a","b'] },
      { ...base, packages: ['a/b'] },
      { ...base, packages: ['ab'] },
      { ...base, packages: ['a', 'b', ''] },
      { ...base, packages: ['a', 'b],"linux/amd64"'] },
      { ...base, source: { kind: 'git', url: 'debian' } },
      { ...base, source: { kind: 'channel', name: 'debian' } },
      { ...base, ref: 'latest"' },
    ];
    const keys = [base, ...forged].map(keyOf);
    assert.equal(new Set(keys).size, keys.length);
  });

  test('survives the database: a stored request has the same key', () => {
    fc.assert(
      fc.property(anyRequest, one => {
        const stored = imageRequestSchema.parse(JSON.parse(JSON.stringify(one)));
        assert.equal(keyOf(stored), keyOf(one));
      }),
    );
  });
});
