// Random courses of pulls, prebuilds, workers, crashes, pauses, lost and repeated messages, moves of the source and
// deployments, through the real modules on documents in memory, against a model of what must be true.
import { test } from 'node:test';
import { Firestore, type Transaction } from '@google-cloud/firestore';
import * as fc from 'fast-check';
import { openImages } from '#core/google/images.ts';
import { openSources } from '#core/google/sources.ts';
import { imageDocumentSchema } from '#core/image-document.ts';
import { requestKey, type ImageRequest } from '#core/image-request.ts';
import { sourceDocumentSchema } from '#core/source-document.ts';
import { memoryDocuments } from './image-life-model/memory.ts';
import { courses } from './image-life-model/steps.ts';
import { World, type WorldParts } from './image-life-model/world.ts';

const RUNS = Number(process.env['DERIVERY_MODEL_RUNS'] ?? 4_000);

const HOUR = 3_600_000;
/** Never connected: documents are in memory. */
const firestore = new Firestore({ projectId: 'none' });
const manifestsInMemory = { set: () => {} } as unknown as Transaction;

const settings = fc.record({
  pinned: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  limits: fc.constantFrom(
    { freshMs: 6 * HOUR, staleMs: 7 * 24 * HOUR },
    { freshMs: HOUR, staleMs: 6 * HOUR },
    { freshMs: 0, staleMs: HOUR },
  ),
  waits: fc.constantFrom('client' as const, 'janitor' as const),
});

function world({
  pinned,
  limits,
}: {
  pinned: boolean;
  limits: Pick<WorldParts, 'freshMs' | 'staleMs'>;
}): World {
  const clock = { now: 1_800_000_000_000 };
  const name = pinned ? 'c'.repeat(40) : 'nixos-unstable';
  const request: ImageRequest = {
    packages: ['hello'],
    platform: 'linux/amd64',
    source: { kind: 'channel', name },
    ref: 'latest',
  };
  const memory = memoryDocuments(clock, imageDocumentSchema, manifestsInMemory);
  const sources = memoryDocuments(clock, sourceDocumentSchema, manifestsInMemory);
  return new World({
    clock,
    images: openImages(firestore, memory),
    sources: openSources(firestore, sources),
    key: requestKey(request),
    request,
    pinned,
    ...limits,
    interrupt: memory.interrupt,
  });
}

test(
  'an image lives as the model says, whatever happens in whatever order',
  { timeout: 120_000 },
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
