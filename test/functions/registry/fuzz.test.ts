import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import pLimit from 'p-limit';
import { imageRequestSchema, requestKey } from '#core/image-request.ts';
import { SETTINGS } from '#test/core/deployment.ts';
import { mutatedRequest } from './mutated-requests.ts';
import { onBothServers } from './served.ts';
import { assertNoTrace, specError } from './spec-errors.ts';

/** On each of the two servers, another half of them. `npm run fuzz` makes a hundred thousand. */
const REQUESTS = 1_500;
const SEEDS = { 'node:http': 20_261_121, 'functions-framework': 20_261_122 } as const;

onBothServers('targets that are nearly right', 1, served => {
  test(
    'T16, T18, N9: are answered, never with 5xx, and ask for nothing but packages',
    { timeout: 60_000 },
    async () => {
      const limit = pLimit(16);
      const requests = fc.sample(mutatedRequest, { seed: SEEDS[served().kind], numRuns: REQUESTS });
      const statuses = new Map<number, number>();
      await Promise.all(
        requests.map(request =>
          limit(async () => {
            const answer = await served().send(request.target, request);
            const what = `${JSON.stringify(request)} was answered ${answer.status}`;
            assert.ok(answer.status < 500, what);
            if (answer.status >= 400) {
              assertNoTrace(answer.body.toString());
              if (request.method === 'HEAD') assert.equal(answer.body.length, 0);
              else if (answer.headers['docker-distribution-api-version'] !== undefined)
                specError(answer, answer.status);
            } else {
              assert.ok([200, 304, 307].includes(answer.status), what);
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
    },
  );
});
