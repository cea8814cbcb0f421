import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import pLimit from 'p-limit';
import { digestOf } from '#core/digest.ts';
import { imageRequestSchema, requestKey } from '#core/image-request.ts';
import { SETTINGS } from '#test/core/deployment.ts';
import { onBothServers } from './served.ts';
import { assertNoTrace, specError } from './spec-errors.ts';

/** On each of the two servers, another half of them. */
const TARGETS = 1_500;
const SEEDS = { 'node:http': 20_261_121, 'functions-framework': 20_261_122 } as const;

const digest = digestOf('fuzz');
const seeds = [
  '/', '/v2', '/v2/', '/v2/hello/manifests/latest', '/v2/shell/git/manifests/latest?wait=1', '/v2/arm64/a-b/manifests/v1.0',
  `/v2/hello/manifests/${digest}`, `/v2/a/b/blobs/${digest}?ns=docker.io`, '/v2/a/tags/list', '/v2/_catalog',
]; // prettier-ignore
const pieces = [
  '/', '//', '.', '..', '%', '%2f', '%00', '%ff', '?', '&', '=', ':', '@', '"', "'", '$(id)', '`', ';', '\\', '|', '<', '~', '\xe9',
  'A', 'a', '0', '-', '_', '__', 'v2', 'manifests', 'blobs', 'latest', 'sha256:', 'wait=', 'shell', 'x'.repeat(300),
]; // prettier-ignore

/** A target with some pieces put in, taken out or doubled, at places anywhere. */
const mutated = fc
  .tuple(
    fc.constantFrom(...seeds),
    fc.array(
      fc.record({
        at: fc.nat(1_000),
        cut: fc.nat(3),
        piece: fc.constantFrom('', ...pieces),
        twice: fc.boolean(),
      }),
      { minLength: 1, maxLength: 5 },
    ),
  )
  .map(([seed, mutations]) =>
    mutations.reduce((target, { at, cut, piece, twice }) => {
      const place = at % (target.length + 1);
      const put = twice ? piece + piece : piece;
      return target.slice(0, place) + put + target.slice(place + cut);
    }, seed),
  )
  .filter(target => target.length > 0);

onBothServers('targets that are nearly right', 1, served => {
  test('are answered, never with 5xx, and ask for nothing but packages', { timeout: 60_000 }, async () => {
    const limit = pLimit(16);
    const targets = fc.sample(mutated, { seed: SEEDS[served().kind], numRuns: TARGETS });
    const statuses = new Map<number, number>();
    await Promise.all(
      targets.map(target =>
        limit(async () => {
          const answer = await served().send(target);
          const what = `${JSON.stringify(target)} was answered ${answer.status}`;
          assert.ok(answer.status < 500, what);
          if (answer.status >= 400) {
            assertNoTrace(answer.body.toString());
            if (answer.headers['docker-distribution-api-version'] !== undefined)
              specError(answer, answer.status);
          } else {
            assert.ok([200, 307].includes(answer.status), what);
          }
          statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        }),
      ),
    );
    // The mutations reach every kind of answer: otherwise this would test less than it says.
    for (const status of [200, 307, 400, 404])
      assert.ok((statuses.get(status) ?? 0) >= 3, `${status} is rare`);
    const { docs } = await served().cloud.firestore.collection('images').get();
    for (const document of docs) {
      const request = imageRequestSchema.parse(document.get('request'));
      assert.equal(document.id, requestKey(request, SETTINGS));
      for (const name of request.packages) assert.match(name, /^[a-zA-Z0-9]+((\.|_|__|-+)[a-z0-9]+)*$/);
    }
    assert.deepEqual(served().lines, []);
  });
});
