import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RegistryError } from '#core/errors.ts';
import { patienceOf } from '#functions/registry/client-patience.ts';
import type { Hop } from '#functions/registry/hop.ts';
import { createSendOn, redirectToFailure } from '#functions/registry/send-on.ts';
import { queryOf } from '#functions/registry/target.ts';
import { HOPS } from './served.ts';

const PATH = '/v2/shell/git/manifests/latest';
const TOTAL = 45 * 60_000;

const sendOn = createSendOn({ hops: HOPS, totalWaitMs: TOTAL, retryAfterSeconds: 7 });
const nine = patienceOf('docker/28.4.0');
const any = patienceOf('crane/0.21.7 go-containerregistry/v0.21.7');

function hopAt(number: number, target = PATH, agoMs = 0): Hop {
  return { number, beganAt: Date.now() - agoMs, target };
}

function locationOf({ headers }: { headers: Readonly<Record<string, string>> }): string {
  return headers['location'] ?? '';
}

describe('a pull that waits', () => {
  test('is sent to the same path, relative, with its own query and the next hop', () => {
    const hop = HOPS.parse(`${PATH}?ns=docker.io&x=%2F%20y&build=failed&reason=old`);
    const answer = sendOn.withPhase(hop, nine, 'building 3/17');
    assert.equal(answer.status, 307);
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.equal(answer.headers['warning'], '299 - "the image is being built: building 3/17"');
    const location = locationOf(answer);
    assert.ok(location.startsWith(`${PATH}?`));
    const query = [...queryOf(location)];
    assert.deepEqual(query.slice(0, 2), [['ns', 'docker.io'], ['x', '/ y']]); // prettier-ignore
    assert.deepEqual(query.map(([name]) => name), ['ns', 'x', 'wait']); // prettier-ignore
    const { number, target } = HOPS.parse(location);
    assert.deepEqual({ number, target }, { number: 1, target: location });
  });

  test('is sent on nine times, the last to an address that says so, then told to pull again', () => {
    let target = PATH;
    const began = HOPS.parse(target).beganAt;
    for (let number = 1; number <= 9; number += 1) {
      target = locationOf(sendOn.withPhase(HOPS.parse(target), nine, 'packing 2/9'));
      assert.equal(HOPS.parse(target).number, number);
      const note = number === 9 ? 'the-image-is-being-built-packing-2-9-pull-again' : null;
      assert.equal(queryOf(target).get('note'), note);
    }
    const last = HOPS.parse(target);
    assert.ok(Math.abs(last.beganAt - began) < 5_000, 'when it began is handed on');
    assert.throws(
      () => sendOn.withPhase(last, nine, 'packing 2/9'),
      (error: unknown) => {
        assert.ok(error instanceof RegistryError);
        assert.deepEqual([error.status, error.code], [429, 'TOOMANYREQUESTS']);
        assert.match(error.message, /packing 2\/9.*run the same pull again/);
        assert.equal(error.headers['retry-after'], '7');
        assert.match(error.headers['warning'] ?? '', /packing 2\/9/);
        return true;
      },
    );
    assert.throws(() => sendOn.elsewhere(last, nine), { status: 429 });
  });

  test('whose client follows any number of redirects is sent on until its time is over', () => {
    assert.equal(sendOn.withPhase(hopAt(9), any, 'resolving').status, 307);
    assert.equal(sendOn.withPhase(hopAt(500, PATH, TOTAL - 60_000), any, 'resolving').status, 307);
    assert.throws(() => sendOn.withPhase(hopAt(500, PATH, TOTAL), any, 'resolving'), { status: 429 });
  });

  test('is sent to another instance on another connection', () => {
    const answer = sendOn.elsewhere(hopAt(4), nine);
    assert.equal(answer.headers['connection'], 'close');
    assert.equal(HOPS.parse(locationOf(answer)).number, 5);
  });

  test('T18: is sent to no other host, whatever its path begins with', () => {
    for (const path of ['//evil.example/v2/', '/\\evil.example/v2/', '///evil.example/v2/']) {
      const location = locationOf(sendOn.elsewhere(hopAt(0, path), nine));
      assert.equal(new URL(location, 'https://registry.example.org').host, 'registry.example.org', location);
    }
  });

  test('brings no line end from a query into a header', () => {
    const answer = sendOn.withPhase(hopAt(1, `${PATH}?a=%0d%0aset-cookie:x`), nine, 'resolving');
    assert.doesNotMatch(locationOf(answer), /[\r\n]/);
  });
});

describe('a failure that only its address can tell of', () => {
  test('is told there once, with the reason and its log', () => {
    const answer = redirectToFailure(
      hopAt(2, `${PATH}?ns=a&wait=x`),
      '"unrar" has an unfree license.\nMore',
      'id',
    );
    assert.equal(answer?.status, 307);
    const location = locationOf(answer);
    assert.equal(location, `${PATH}?ns=a&build=failed&reason=unrar-has-an-unfree-license.-More&log=id`);
    assert.equal(redirectToFailure(hopAt(0, location), 'no', 'id'), undefined);
  });

  test('is told as it is where no redirect is left to follow', () => {
    assert.notEqual(redirectToFailure(hopAt(8), 'no', undefined), undefined);
    assert.equal(redirectToFailure(hopAt(9), 'no', undefined), undefined);
  });
});
