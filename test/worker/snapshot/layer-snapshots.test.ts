// Snapshots of a package set of the test's own, by a binary cache of its own, with Nix and with the bucket.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { after, before, test, type TestContext } from 'node:test';
import { Storage } from '@google-cloud/storage';
import { TransientError } from '#core/errors.ts';
import { openSnapshots } from '#core/google/snapshots.ts';
import type { ImageRequest } from '#core/image-request.ts';
import type { Phase } from '#core/image-document.ts';
import { EMPTY_SNAPSHOT, type Snapshot } from '#core/layer-snapshot.ts';
import { snapshotName, type SnapshotSubject } from '#core/snapshot-name.ts';
import type { StorePath } from '#core/store-path.ts';
import { openLayerFolder } from '#local/audit/layer-folder.ts';
import { startHttpServer } from '#local/http-server.ts';
import { BUCKET, Cloud, PROJECT } from '#test/cloud.ts';
import { collectLog, type CollectedLog } from '#test/collected-log.ts';
import { IMAGE_SETTINGS } from '#test/core/deployment.ts';
import { found, NO_ARGUMENTS, SYSTEM } from '#test/nix/debian-set.ts';
import { cacheOf, emptyStore, isValid } from '#test/worker/nix/binary-cache.ts';
import { scratchSet } from '#test/worker/nix/scratch-set.ts';
import { storeFolder } from '#test/worker/nix/store-folder.ts';
import { temporaryFolder } from '#test/worker/pack/trees.ts';
import { UNCOLLECTED } from '#worker/collection/build-roots.ts';
import { NOTHING_KNOWN } from '#worker/known-packages.ts';
import { createImageMaker } from '#worker/make-image.ts';
import type { Nix } from '#worker/nix/nix.ts';
import { realise } from '#worker/nix/realise.ts';
import { resolve } from '#worker/nix/resolve.ts';
import { createLayerSnapshots, type LayerSnapshots } from '#worker/snapshot/layer-snapshots.ts';
import { createPackageSources } from '#worker/source/package-sources.ts';

const signal = AbortSignal.timeout(120_000);

let cloud: Cloud;
before(async () => void (cloud = await Cloud.start()));
after(() => cloud[Symbol.asyncDispose]());

/** Packages that are well known, and what they need, which is not. */
const SET = {
  library: 'seq 1 200000 >$out',
  other: 'seq 1 100000 | sort >$out',
  cacert: 'echo certificates >$out',
  bash: 'mkdir $out; echo ${library} >$out/needs',
  hello: 'mkdir $out; echo ${library} ${other} >$out/needs',
  jq: 'mkdir $out; echo ${library} >$out/needs',
  tree: 'mkdir $out; echo ${other} >$out/needs',
};

interface Stage {
  readonly folder: string;
  /** Has everything built. */
  readonly builder: Nix;
  /** Of every package, where it is. */
  readonly paths: Readonly<Record<string, StorePath>>;
  /** A cache of these packages, with all that they need. */
  cache(...packages: (keyof typeof SET)[]): Promise<string>;
}

async function stage(context: TestContext): Promise<Stage> {
  const folder = await scratchSet(context, SET);
  const builder = await emptyStore(context);
  const packages = Object.keys(SET);
  const source = await storeFolder(builder, folder);
  const request = { source, system: SYSTEM, importArguments: NO_ARGUMENTS, packages };
  const items = found(await resolve(builder, request, { signal }));
  await realise(builder, items, { signal });
  const paths = Object.fromEntries(items.map(({ name, path }) => [name, path]));
  const cache: Stage['cache'] = (...names) =>
    cacheOf(context, builder, names.map(name => paths[name] ?? assert.fail(name))); // prettier-ignore
  return { folder, builder, paths, cache };
}

interface Worker {
  readonly nix: Nix;
  readonly layerSnapshots: LayerSnapshots;
  readonly collected: CollectedLog;
}

function workerOf(nix: Nix): Worker {
  const collected = collectLog();
  const snapshots = openSnapshots(PROJECT, BUCKET);
  return {
    nix,
    collected,
    layerSnapshots: createLayerSnapshots({ nix, beginRoots: UNCOLLECTED, snapshots, log: collected.log }),
  };
}

/** A worker whose store is empty, and fetches from there. */
async function workerFrom(context: TestContext, from?: string): Promise<Worker> {
  return workerOf(await emptyStore(context, from === undefined ? {} : { from }));
}

function subjectOf({ folder }: Stage, revision: string): SnapshotSubject {
  const source = { kind: 'path', folder } as const;
  return { source, revision, platform: 'linux/amd64', settings: IMAGE_SETTINGS };
}

/** What this worker plans by. */
async function frozen({ nix, layerSnapshots }: Worker, at: Stage, revision: string): Promise<Snapshot> {
  const fetchTree = () => storeFolder(nix, at.folder);
  using pending = layerSnapshots.begin(subjectOf(at, revision), fetchTree, signal);
  return await pending.frozen();
}

function isInBucket(at: Stage, revision: string): Promise<boolean> {
  return objectOf(at, revision).exists().then(([exists]) => exists); // prettier-ignore
}

function objectOf(at: Stage, revision: string) {
  return new Storage({ projectId: PROJECT }).bucket(BUCKET).file(snapshotName(subjectOf(at, revision)));
}

test('the snapshot of a package set', { timeout: 120_000 }, async context => {
  const at = await stage(context);
  const most = await at.cache('cacert', 'bash', 'hello', 'jq');

  await context.test('is what caches know of its well-known packages; nothing is fetched for it', async t => {
    const worker = await workerFrom(t, most);
    const snapshot = await frozen(worker, at, 'all');
    const { cacert, bash, hello, jq, library, other } = at.paths;
    const known = [cacert, bash, hello, jq, library, other].map(path => path ?? assert.fail());
    assert.deepEqual([...snapshot.bundles.keys()].toSorted(), known.toSorted());
    assert.equal(snapshot.images, 4);
    // What all images get is in all four.
    assert.equal(snapshot.bundles.get(known[0] ?? assert.fail())?.count, 4);
    for (const path of known) assert.equal(await isValid(worker.nix, path), false, path);
    const [{ time: _time, level: _level, seconds: _seconds, ...told } = {}] = worker.collected.lines;
    const counts = { packages: 5, known: 4, storePaths: 6, unanswered: 0, snapshot: snapshot.id };
    assert.deepEqual(told, { ...told, ...counts, message: 'surveyed the package set' });
  });

  await context.test('stays what it is, whatever another worker knows', async t => {
    const first = await frozen(await workerFrom(t, most), at, 'kept');
    assert.deepEqual(await frozen(workerOf(at.builder), at, 'kept'), first);
    assert.deepEqual(
      await frozen(await workerFrom(t, await at.cache('tree', 'hello', 'jq')), at, 'kept'),
      first,
    );
  });

  await context.test('is the same for all where several make it at once', async t => {
    const workers = [await workerFrom(t, most), workerOf(at.builder), await workerFrom(t, most)];
    const ofEach = await Promise.all(workers.map(worker => frozen(worker, at, 'race')));
    for (const snapshot of ofEach) assert.deepEqual(snapshot, ofEach[0]);
    assert.deepEqual(await frozen(workerOf(at.builder), at, 'race'), ofEach[0]);
  });

  await context.test(
    'is surveyed once by a worker, however many of its images wait, and then at hand',
    async t => {
      const worker = await workerFrom(t, most);
      const [first, ...others] = await Promise.all(
        Array.from({ length: 5 }, () => frozen(worker, at, 'once')),
      );
      assert.ok(others.every(other => other.id === first?.id));
      await objectOf(at, 'once').delete();
      assert.deepEqual(await frozen(worker, at, 'once'), first);
      assert.equal(worker.collected.lines.length, 1);
    },
  );

  await context.test('is not frozen by an image that comes to nothing', async t => {
    const worker = await workerFrom(t, most);
    const fetchTree = () => storeFolder(worker.nix, at.folder);
    const begun = Promise.withResolvers<void>();
    let fetching: Promise<unknown> | undefined;
    const pending = worker.layerSnapshots.begin(
      subjectOf(at, 'given up'),
      () => {
        begun.resolve();
        const tree = fetchTree();
        fetching = tree;
        return tree;
      },
      signal,
    );
    await begun.promise;
    pending[Symbol.dispose]();
    await assert.rejects(pending.frozen());
    // It goes on although it was given up: the store is removed when the test ends.
    await fetching;
    assert.equal(await isInBucket(at, 'given up'), false);
    assert.ok((await frozen(worker, at, 'given up')).bundles.size > 0);
  });

  await context.test('is made for those who still wait, whoever has begun it and given up', async t => {
    const worker = await workerFrom(t, most);
    const begun = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const fetchTree = async (stop: AbortSignal) => {
      begun.resolve();
      await goOn.promise;
      stop.throwIfAborted();
      return storeFolder(worker.nix, at.folder);
    };
    const first = new AbortController();
    const givenUp = worker.layerSnapshots.begin(subjectOf(at, 'two'), fetchTree, first.signal);
    await begun.promise;
    const second = frozen(worker, at, 'two');
    first.abort();
    await assert.rejects(givenUp.frozen());
    goOn.resolve();
    assert.equal((await second).images, 4);
    assert.equal(worker.collected.lines.length, 1);
  });

  await context.test('is empty where caches know too little, or nothing', async t => {
    const few = await workerFrom(t, await at.cache('cacert', 'tree'));
    assert.deepEqual(await frozen(few, at, 'few'), EMPTY_SNAPSHOT);
    assert.deepEqual(await frozen(workerOf(at.builder), at, 'none'), EMPTY_SNAPSHOT);
    const down = await workerFrom(t, 'http://127.0.0.1:1');
    assert.deepEqual(await frozen(down, at, 'down'), EMPTY_SNAPSHOT);
    assert.deepEqual(down.collected.lines.map(({ message }) => message), ['a binary cache does not answer: layers are planned without it']); // prettier-ignore
  });

  await context.test('is not frozen by what a cache that breaks off has said', async t => {
    let isBroken = true;
    const files = new URL(`${most}/`);
    const server = await startHttpServer(async (request, response) => {
      const file = request.url?.slice(1) ?? '';
      if (isBroken && file !== 'nix-cache-info') return void response.writeHead(502).end();
      const text = await readFile(fileURLToPath(new URL(file, files))).catch(() => undefined);
      response.writeHead(text === undefined ? 404 : 200).end(text);
    });
    t.after(() => server.close());
    const worker = await workerFrom(t, server.url);
    await assert.rejects(frozen(worker, at, 'broken'), TransientError);
    assert.equal(await isInBucket(at, 'broken'), false);
    isBroken = false;
    assert.equal((await frozen(worker, at, 'broken')).images, 4);
  });

  await context.test('has two workers make one image, whatever each of them knows', async t => {
    const request: ImageRequest = {
      packages: ['hello', 'tree'],
      platforms: ['linux/amd64'],
      user: 'root',
      source: { kind: 'path', folder: at.folder },
      ref: 'latest',
    };
    async function make({ nix, layerSnapshots }: Worker) {
      const packageSources = createPackageSources({
        nix,
        debianSet: undefined,
        channelsUrl: 'http://localhost:1',
        archivesUrl: 'http://localhost:1',
        folder: temporaryFolder(t),
      });
      const makeImage = createImageMaker({
        nix,
        beginRoots: UNCOLLECTED,
        packageSources,
        knownPackages: NOTHING_KNOWN,
        layerStore: openLayerFolder(temporaryFolder(t)),
        layerSnapshots,
        settings: IMAGE_SETTINGS,
        spoolFolder: temporaryFolder(t),
        closureLimit: Infinity,
      });
      const revision = await packageSources.find(request.source, request.ref, signal);
      const phases: Phase[] = [];
      const { bytes } = await makeImage(request, revision, phase => phases.push(phase), signal);
      const { annotations } = JSON.parse(bytes.toString()) as { annotations: Record<string, string> };
      return { image: bytes.toString(), annotations, revision: revision.revision };
    }
    const made = await Promise.all([make(await workerFrom(t, most)), make(workerOf(at.builder))]);
    const [first, second] = made;
    assert.equal(first.image, second.image);
    const stored = await openSnapshots(PROJECT, BUCKET).read(snapshotName(subjectOf(at, first.revision)));
    assert.equal(first.annotations['org.derivery.layer-snapshot'], stored?.id);
  });
});
