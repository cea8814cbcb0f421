// That a build which waits for what another one makes says so.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Phase } from '#core/image-document.ts';
import type { ImageRequest } from '#core/image-request.ts';
import { openLayerFolder } from '#local/audit/layer-folder.ts';
import { IMAGE_SETTINGS } from '#test/core/deployment.ts';
import { debianSet } from '#test/nix/debian-set.ts';
import { newGate } from '#test/worker/nix/gate.ts';
import { scratchSet } from '#test/worker/nix/scratch-set.ts';
import { temporaryFolder } from '#test/worker/pack/trees.ts';
import { WITHOUT_SNAPSHOT } from '#test/worker/snapshot/without-snapshot.ts';
import { UNCOLLECTED } from '#worker/collection/build-roots.ts';
import { NOTHING_KNOWN } from '#worker/known-packages.ts';
import { createImageMaker } from '#worker/make-image.ts';
import { createPackageSources } from '#worker/source/package-sources.ts';

const signal = AbortSignal.timeout(60_000);

test('a build says that it waits for what another one makes, and goes on', async context => {
  const { nix } = await debianSet();
  const gate = newGate();
  const folder = await scratchSet(context, {
    shared: gate.script,
    one: 'cat ${shared} >$out',
    other: 'cat ${shared} >$out',
  });
  const packageSources = createPackageSources({
    nix,
    debianSet: undefined,
    channelsUrl: 'http://localhost:1',
    archivesUrl: 'http://localhost:1',
    folder: temporaryFolder(context),
  });
  const makeImage = createImageMaker({
    nix,
    beginRoots: UNCOLLECTED,
    packageSources,
    knownPackages: NOTHING_KNOWN,
    layerSnapshots: WITHOUT_SNAPSHOT,
    layerStore: openLayerFolder(temporaryFolder(context)),
    settings: IMAGE_SETTINGS,
    spoolFolder: temporaryFolder(context),
    closureLimit: 1_000_000,
  });
  async function make(name: string, report: (phase: Phase) => void): Promise<void> {
    const request: ImageRequest = {
      packages: [name],
      platforms: ['linux/amd64'],
      user: 'root',
      source: { kind: 'path', folder },
      ref: 'latest',
    };
    await makeImage(request, await packageSources.find(request.source, request.ref, signal), report, signal);
  }

  const begun = Promise.withResolvers<void>();
  const one = make('one', ({ done }) => {
    if (done === 1) begun.resolve();
  });
  await begun.promise;
  const phases: string[] = [];
  const waiting = Promise.withResolvers<void>();
  const other = make('other', ({ name }) => {
    if (phases.at(-1) !== name) phases.push(name);
    if (name === 'waiting') waiting.resolve();
  });
  await waiting.promise;
  await gate.open();
  await Promise.all([one, other]);
  assert.deepEqual(phases, ['building', 'waiting', 'building', 'packing', 'publishing']);
});
