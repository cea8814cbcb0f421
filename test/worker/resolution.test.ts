import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PermanentError } from '#core/errors.ts';
import type { Failure } from '#core/failure.ts';
import { parseStorePath } from '#core/store-path.ts';
import type { FoundItem, ResolvedItem } from '#worker/nix/resolve.ts';
import { requireFound } from '#worker/resolution.ts';

function found(name: string): FoundItem {
  const path = parseStorePath(`/nix/store/${'0'.repeat(32)}-${name}`);
  return {
    kind: 'found',
    name,
    attribute: name,
    drv: `${path}.drv`,
    output: 'out',
    path,
    pname: name,
    mainProgram: null,
    priority: 5,
  };
}

function failureOf(...items: ResolvedItem[]): Failure {
  return failureFrom(() => requireFound(items, { asked: items.map(({ name }) => name), contents: [] }));
}

function failureFrom(require: () => unknown): Failure {
  try {
    require();
  } catch (error) {
    assert.ok(error instanceof PermanentError, String(error));
    return error.failure;
  }
  return assert.fail('nothing was wrong');
}

const missing = {
  kind: 'not_found',
  name: 'gti',
  near: [
    { attribute: 'git', written: 'git' },
    { attribute: 'gtk+', written: 'gtk__2b' },
  ],
} as const;
const unfree = {
  kind: 'refused',
  name: 'unrar',
  reasons: ['unfree'],
  message: 'has an unfree license',
} as const;

describe('names that were resolved', () => {
  test('are packages, in the order asked', () => {
    const items = [found('b'), found('a')];
    assert.deepEqual(requireFound(items, { asked: ['a', 'b'], contents: [] }), items);
    assert.deepEqual(requireFound([], { asked: [], contents: [] }), []);
  });

  test('that are not there are named, with what looks alike', () => {
    assert.deepEqual(failureOf(found('a'), missing), {
      kind: 'unknown_package',
      message: '"gti" is not in the package set (did you mean git or gtk+ (written gtk__2b)?)',
    });
    assert.equal(failureOf({ ...missing, near: [] }).message, '"gti" is not in the package set');
  });

  const twins = [
    { attribute: 'Twin', written: '0__54win' },
    { attribute: 'TWIN', written: '0__54__57__49__4e' },
  ];
  const others: readonly [item: ResolvedItem, kind: Failure['kind'], message: string][] = [
    [
      { kind: 'ambiguous', name: 'twin', candidates: twins },
      'unknown_package',
      '"twin" could be any of Twin (written 0__54win), TWIN (written 0__54__57__49__4e)',
    ],
    [
      { kind: 'not_a_package', name: 'lib', type: 'set' },
      'refused',
      '"lib" is not a package but a set of attributes',
    ],
    [
      { kind: 'not_a_package', name: 'lib.id', type: 'lambda' },
      'refused',
      '"lib.id" is not a package but a function',
    ],
    [
      { kind: 'removed', name: 'a', message: 'a was removed, use b' },
      'refused',
      '"a" is not to be had, says the package set: a was removed, use b',
    ],
    [
      unfree,
      'refused',
      '"unrar" has an unfree license, and this registry does not allow those: has an unfree license',
    ],
    [{ ...unfree, reasons: ['broken'], message: 'm' }, 'refused', '"unrar" is marked as broken: m'],
    [
      { ...unfree, reasons: ['insecure'], message: 'm' },
      'refused',
      '"unrar" is marked as insecure, and this registry does not allow that: m',
    ],
    [
      { ...unfree, reasons: ['unsupported', 'broken'], message: 'm' },
      'refused',
      '"unrar" is not available on this platform and is marked as broken: m',
    ],
    [{ kind: 'failed', name: 'a', message: 'it aborts' }, 'refused', '"a" cannot be evaluated: it aborts'],
  ];
  for (const [item, kind, message] of others) {
    test(`T17: are no packages: ${message}`, () => {
      assert.deepEqual(failureOf(found('a'), item), { kind, message });
    });
  }

  test('are all named in one answer; one that exists and is refused makes it a refusal', () => {
    const { kind, message } = failureOf(missing, found('a'), unfree, {
      ...missing,
      name: 'crul',
      near: [{ attribute: 'curl', written: 'curl' }],
    });
    assert.equal(kind, 'refused');
    for (const name of ['"gti"', '"unrar"', '"crul"']) assert.ok(message.includes(name), message);
    assert.doesNotMatch(message, /"a"/);
  });

  test('that nobody asked for are left out where the set has none, and not told beside those that were', () => {
    const wanted = { asked: ['a'], contents: [] };
    const cacert = { ...missing, name: 'cacert' };
    assert.deepEqual(requireFound([cacert, found('a')], wanted), [found('a')]);

    const other = { kind: 'failed', name: 'cacert', message: 'no such platform' } as const;
    const both = () => requireFound([other, { ...other, name: 'a' }], wanted);
    assert.throws(both, { message: '"a" cannot be evaluated: no such platform' });
    assert.throws(() => requireFound([other, found('a')], wanted), {
      message: /^every image's package "cacert" cannot/,
    });
  });

  test('that are the deployment’s own are told as such, and as no mistake in the name', () => {
    const wanted = { asked: ['a'], contents: ['gti', 'tini'] };
    const failure = failureFrom(() => requireFound([missing, found('a')], wanted));
    assert.deepEqual(failure, {
      kind: 'refused',
      message: `the deployment's own package "gti" is not in the package set (did you mean git or gtk+ (written gtk__2b)?)`,
    });
    // What was asked for is told first, and alone.
    const both = failureFrom(() => requireFound([missing, { ...missing, name: 'a', near: [] }], wanted));
    assert.deepEqual(both, { kind: 'unknown_package', message: '"a" is not in the package set' });
    assert.deepEqual(requireFound([found('tini'), found('a')], wanted), [found('tini'), found('a')]);
  });

  test('of more than a package are told to come first', () => {
    for (const name of ['shell', 'builder', 'nonroot', 'arm64', 'amd64']) {
      assert.equal(
        failureOf({ ...missing, name }).message,
        `"${name}" is not in the package set (as a name for more than a package, it has to come first)`,
      );
    }
  });

  test('whose stories are too long together are told in part, and counted', () => {
    const items = Array.from({ length: 64 }, (_, index): ResolvedItem => {
      return { kind: 'failed', name: `n${index}`, message: `${index}${'x'.repeat(1900)}` };
    });
    const { message } = failureOf(...items);
    assert.ok(message.length < 8100, `${message.length} characters`);
    assert.match(message, /^"n0" .*; "n3" .*; and 60 more$/);
  });

  test('with the very same trouble share one sentence', () => {
    const { message } = failureOf({ ...missing, near: [] }, { ...missing, name: 'crul', near: [] });
    assert.equal(message, '"gti", "crul" are not in the package set');
  });
});
