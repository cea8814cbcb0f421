import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { digestFromHex, digestHex, digestOf, parseDigest } from '#core/digest.ts';
import { RegistryError } from '#core/errors.ts';

/** SHA-256 of "abc" (FIPS 180-2, B.1). */
const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

describe('digest', () => {
  test('of bytes is their SHA-256', () => {
    assert.equal(digestOf('abc'), `sha256:${ABC}`);
    assert.equal(digestOf(Buffer.from('abc')), `sha256:${ABC}`);
    assert.equal(digestOf(''), `sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855`);
  });

  test('is read as it is written', () => {
    assert.equal(parseDigest(`sha256:${ABC}`), digestOf('abc'));
    assert.equal(digestHex(digestOf('abc')), ABC);
    assert.equal(digestFromHex(ABC), digestOf('abc'));
  });

  const broken = [
    '', 'sha256', 'sha256:', ABC, 'sha256:totallywrong', `sha256:${ABC.slice(1)}`, `sha256:${ABC}0`,
    `sha256:${ABC.toUpperCase()}`, `SHA256:${ABC}`, `sha512:${ABC}${ABC}`, `sha512:${ABC}`, `md5:${ABC.slice(32)}`,
    ` sha256:${ABC}`, `sha256:${ABC}\n`, `sha256:${ABC}%00`, `sha256:${ABC.replace('b', 'g')}`, `sha256::${ABC.slice(1)}`,
  ]; // prettier-ignore
  for (const text of broken) {
    test(`${JSON.stringify(text)} is none`, () => {
      assert.throws(
        () => parseDigest(text),
        (error: unknown) =>
          error instanceof RegistryError && error.status === 400 && error.code === 'DIGEST_INVALID',
      );
    });
  }

  test('a hash that is none is not taken for one', () => {
    assert.throws(() => digestFromHex('abc'));
  });
});
