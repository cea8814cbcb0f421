// Random courses of pulls, prebuilds, workers, crashes, pauses, lost and repeated messages, moves of the source and
// deployments, through the real modules on documents in memory, against a model of what must be true.
// DERIVERY_TEST_MODEL_RUNS: how many. A failure says the seed and the path that fast-check replays it by (`{ seed, path }`
// beside `numRuns`), and the shortest course that fails.
import { test } from 'node:test';
import { Firestore, type Transaction } from '@google-cloud/firestore';
import * as fc from 'fast-check';
import { openImages } from '#core/google/images.ts';
import { openSources } from '#core/google/sources.ts';
import { imageDocumentSchema } from '#core/image-document.ts';
import { sourceDocumentSchema } from '#core/source-document.ts';
import { memoryDocuments } from './image-life-model/memory.ts';
import { requestOf, settings, START, type Setting } from './image-life-model/settings.ts';
import { courses } from './image-life-model/steps.ts';
import { World } from './image-life-model/world.ts';

const RUNS = Number(process.env['DERIVERY_TEST_MODEL_RUNS'] ?? 2_000);

/** Never connected: documents are in memory. */
const firestore = new Firestore({ projectId: 'none' });

function world(setting: Setting): World {
  const clock = { now: START };
  const request = requestOf(setting, 'hello');
  const manifests = new Set<string>();
  const alongside = { set: ({ id }: { id: string }) => manifests.add(id) } as unknown as Transaction;
  const images = memoryDocuments(clock, imageDocumentSchema, alongside, manifests);
  const sources = memoryDocuments(clock, sourceDocumentSchema, alongside);
  return new World({
    clock,
    images: openImages(firestore, images),
    sources: openSources(firestore, sources),
    request,
    ...setting,
    hasManifest: async digest => manifests.has(digest),
    interrupt: images.interrupt,
  });
}

test(
  'an image lives as the model says, whatever happens in whatever order',
  { timeout: 240_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(settings, courses, async (setting, steps) => {
        const played = world(setting);
        for (const step of steps) await played.play(step);
        await played.end(setting.waits);
      }),
      { numRuns: RUNS },
    );
  },
);
