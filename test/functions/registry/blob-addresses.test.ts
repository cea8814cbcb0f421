import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { digestOf } from '#core/digest.ts';
import { publicAddresses, signedAddresses } from '#functions/registry/blob-addresses.ts';

const BASE = 'https://storage.example.org/bucket/blobs';
const DIGEST = digestOf('layer');
const PLAIN = `${BASE}/sha256/${DIGEST.slice('sha256:'.length)}`;
const MINUTE = 60_000;

/** Signed addresses, with a signer that counts and a clock that the test moves. */
function signing() {
  let at = 1_800_000_000_000;
  const signed: [address: string, seconds: number][] = [];
  const failures: Error[] = [];
  const address = signedAddresses(
    BASE,
    async (plain, seconds) => {
      signed.push([plain, seconds]);
      await Promise.resolve();
      const failure = failures.pop();
      if (failure !== undefined) throw failure;
      return `${plain}?${signed.length}`;
    },
    3600,
    () => at,
  );
  return { address, signed, failures, pass: (minutes: number) => (at += minutes * MINUTE) };
}

describe('the address of a blob', () => {
  test('is a plain one in a public bucket', async () => {
    assert.equal(await publicAddresses(BASE)(DIGEST), PLAIN);
  });

  test('is signed for an hour, once for all who ask, and kept for half of it', async () => {
    const { address, signed, pass } = signing();
    const together = await Promise.all([address(DIGEST), address(DIGEST), address(DIGEST)]);
    assert.deepEqual(together, [`${PLAIN}?1`, `${PLAIN}?1`, `${PLAIN}?1`]);
    assert.deepEqual(signed, [[PLAIN, 3600]]);
    pass(29);
    assert.equal(await address(DIGEST), `${PLAIN}?1`);
    pass(2);
    assert.equal(await address(DIGEST), `${PLAIN}?2`);
    pass(29);
    assert.equal(await address(DIGEST), `${PLAIN}?2`);
  });

  test('is each blob’s own', async () => {
    const { address, signed } = signing();
    assert.notEqual(await address(DIGEST), await address(digestOf('other')));
    assert.equal(signed.length, 2);
  });

  test('that cannot be signed is an error to all who ask then, and to nobody after', async () => {
    const { address, failures } = signing();
    failures.push(new Error('IAM is away'));
    const together = await Promise.allSettled([address(DIGEST), address(DIGEST)]);
    assert.deepEqual(
      together.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    assert.equal(await address(DIGEST), `${PLAIN}?2`);
  });
});
