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
  };
}

function failureOf(...items: ResolvedItem[]): Failure {
  try {
    requireFound(
      items,
      items.map(({ name }) => name),
    );
  } catch (error) {
    assert.ok(error instanceof PermanentError, String(error));
    return error.failure;
  }
  return assert.fail('nothing was wrong');
}

const missing = { kind: 'not_found', name: 'gti', near: ['git', 'gtk'] } as const;
const unfree = {
  kind: 'refused',
  name: 'unrar',
  reasons: ['unfree'],
  message: 'has an unfree license',
} as const;

describe('names that were resolved', () => {
  test('are packages, in the order asked', () => {
    const items = [found('b'), found('a')];
    assert.deepEqual(requireFound(items, ['a', 'b']), items);
    assert.deepEqual(requireFound([], []), []);
  });

  test('that are not there are named, with what looks alike', () => {
    assert.deepEqual(failureOf(found('a'), missing), {
      kind: 'unknown_package',
      message: '"gti" is not in the package set (did you mean git or gtk?)',
    });
    assert.equal(failureOf({ ...missing, near: [] }).message, '"gti" is not in the package set');
  });

  const others: readonly [item: ResolvedItem, kind: Failure['kind'], message: RegExp][] = [
    [
      { kind: 'ambiguous', name: 'x', candidates: ['X', 'xX'] },
      'unknown_package',
      /^"x" could be any of X, xX$/,
    ],
    [{ kind: 'not_a_package', name: 'lib', type: 'set' }, 'refused', /^"lib" is not a package but a set$/],
    [unfree, 'refused', /^"unrar" .*\(unfree\): has an unfree license$/],
    [{ kind: 'failed', name: 'a', message: 'it aborts' }, 'refused', /^"a" cannot be evaluated: it aborts$/],
  ];
  for (const [item, kind, message] of others) {
    test(`are no packages: ${item.kind}`, () => {
      const failure = failureOf(found('a'), item);
      assert.equal(failure.kind, kind);
      assert.match(failure.message, message);
    });
  }

  test('are all named in one answer; one that exists and is refused makes it a refusal', () => {
    const { kind, message } = failureOf(missing, found('a'), unfree, {
      ...missing,
      name: 'crul',
      near: ['curl'],
    });
    assert.equal(kind, 'refused');
    for (const name of ['"gti"', '"unrar"', '"crul"']) assert.ok(message.includes(name), message);
    assert.doesNotMatch(message, /"a"/);
  });

  test('that nobody asked for are left out where the set has none, and not told beside those that were', () => {
    const cacert = { ...missing, name: 'cacert' };
    assert.deepEqual(requireFound([cacert, found('a')], ['a']), [found('a')]);

    const other = { kind: 'failed', name: 'cacert', message: 'no such platform' } as const;
    const both = () => requireFound([other, { ...other, name: 'a' }], ['a']);
    assert.throws(both, { message: '"a" cannot be evaluated: no such platform' });
    assert.throws(() => requireFound([other, found('a')], ['a']), { message: /^"cacert" cannot/ });
  });

  test('of more than a package are told to come first', () => {
    assert.match(failureOf({ ...missing, name: 'shell' }).message, /it has to come first/);
  });

  test('with the very same trouble share one sentence', () => {
    const { message } = failureOf({ ...missing, near: [] }, { ...missing, name: 'crul', near: [] });
    assert.equal(message, '"gti", "crul" are not in the package set');
  });
});
