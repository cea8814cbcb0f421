// Some of the courses of test/core/image-life.model.test.ts through Firestore, as its stand-in does it.
import { after, before, test } from 'node:test';
import * as fc from 'fast-check';
import { openImages } from '#core/google/images.ts';
import { openManifests } from '#core/google/manifests.ts';
import { openSources } from '#core/google/sources.ts';
import { Cloud } from '#test/cloud.ts';
import { requestOf, settings, START } from '../image-life-model/settings.ts';
import { courses } from '../image-life-model/steps.ts';
import { World } from '../image-life-model/world.ts';

const RUNS = Number(process.env['DERIVERY_TEST_MODEL_RUNS_FIRESTORE'] ?? 20);

let cloud: Cloud;
const clock = { now: START };
before(async () => {
  // Time passes only when a course says so.
  cloud = await Cloud.start({ wallClock: () => clock.now });
});
after(() => cloud[Symbol.asyncDispose]());

let images = 0;

test('an image lives in Firestore as the model says', { timeout: 240_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(settings, courses, async (setting, steps) => {
      // Within one millisecond of the clock the stand-in counts microseconds: each course has milliseconds of its own.
      clock.now += 1_000;
      const request = requestOf({ ...setting, kind: 'git' }, `package-${(images += 1)}`);
      const world = new World({
        clock,
        images: openImages(cloud.firestore),
        sources: openSources(cloud.firestore),
        request,
        ...setting,
        hasManifest: async digest => (await openManifests(cloud.firestore).read(digest)) !== undefined,
        interrupt: () => {},
      });
      for (const step of steps) await world.play(step);
      await world.end(setting.waits);
    }),
    { numRuns: RUNS },
  );
});
