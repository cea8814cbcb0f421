// Images of known packages, with a store and a package set of the test's own. That no Nix runs is seen by there being none.
import assert from 'node:assert/strict';
import { chmod, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { z } from 'zod';
import { ConfigurationError, PermanentError } from '#core/errors.ts';
import type { ImageRequest } from '#core/image-request.ts';
import type { ImageSettings } from '#core/image-settings.ts';
import { byCodeUnits } from '#core/order.ts';
import { openLayerFolder } from '#local/audit/layer-folder.ts';
import { collectLog, type CollectedLog } from '#test/collected-log.ts';
import { IMAGE_SETTINGS } from '#test/core/deployment.ts';
import { emptyStore } from '#test/worker/nix/binary-cache.ts';
import { scratchSet } from '#test/worker/nix/scratch-set.ts';
import { temporaryFolder } from '#test/worker/pack/trees.ts';
import { WITHOUT_SNAPSHOT } from '#test/worker/snapshot/without-snapshot.ts';
import { openRoots, type Roots } from '#worker/collection/open-roots.ts';
import { createGetContents } from '#worker/get-contents.ts';
import {
  NOTHING_KNOWN,
  openKnownPackages,
  type Contents,
  type KnownPackages,
  type Naming,
} from '#worker/known-packages.ts';
import { createImageMaker, type ImageMakerParts } from '#worker/make-image.ts';
import type { Nix } from '#worker/nix/nix.ts';
import { runNix } from '#worker/nix/run-nix.ts';
import { createPackageSources } from '#worker/source/package-sources.ts';

const signal = AbortSignal.timeout(120_000);

const SET = {
  lib: 'mkdir $out; date +%N >$out/lib',
  app: 'mkdir -p $out/bin; echo ${lib} >$out/bin/app',
  tool: 'mkdir -p $out/bin; echo ${lib} >$out/bin/tool',
};

interface Place {
  readonly nix: Nix;
  /** The same store, and no Nix to change it. */
  readonly noNix: Nix;
  readonly set: string;
  readonly facts: string;
  readonly roots: Roots;
  readonly known: KnownPackages;
  readonly collected: CollectedLog;
}

async function place(context: TestContext): Promise<Place> {
  const nix = await emptyStore(context);
  const facts = temporaryFolder(context);
  const roots = await openRoots(nix, { spoolFolder: temporaryFolder(context), signal });
  const collected = collectLog();
  return {
    nix,
    noNix: { ...nix, environment: { ...nix.environment, PATH: '/nonexistent' } },
    set: await scratchSet(context, SET),
    facts,
    roots,
    known: openKnownPackages({
      folder: facts,
      realPath: nix.realPath,
      recent: roots.recent,
      log: collected.log,
    }),
    collected,
  };
}

function requestOf(set: string, ...packages: string[]): ImageRequest {
  const source = { kind: 'path', folder: set } as const;
  return { packages, platforms: ['linux/amd64'], user: 'root', source, ref: 'latest' };
}

/** What makes images at a place, of what is known there if nothing else is said. */
function partsOf(
  context: TestContext,
  { nix, known, roots }: Pick<Place, 'nix' | 'known' | 'roots'>,
  settings: Partial<ImageSettings> = {},
): ImageMakerParts {
  return {
    nix,
    beginRoots: roots.begin,
    packageSources: createPackageSources({
      nix,
      debianSet: undefined,
      channelsUrl: 'http://localhost:1',
      archivesUrl: 'http://localhost:1',
      folder: temporaryFolder(context),
    }),
    knownPackages: known,
    layerStore: openLayerFolder(temporaryFolder(context)),
    layerSnapshots: WITHOUT_SNAPSHOT,
    settings: { ...IMAGE_SETTINGS, ...settings },
    spoolFolder: temporaryFolder(context),
    closureLimit: Infinity,
  };
}

/** The order of a closure means nothing. */
function inOrder(contents: Contents | undefined): unknown {
  return contents && { ...contents, nodes: contents.nodes.toSorted((a, b) => byCodeUnits(a.path, b.path)) };
}

const AT = 'a revision of the test';

async function filesIn(facts: string): Promise<string[]> {
  const entries = await readdir(facts, { recursive: true, withFileTypes: true });
  return entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name));
}

const factOf = (text: string) => z.looseObject({ closure: z.array(z.unknown()) }).parse(JSON.parse(text));

async function digestOf(parts: ImageMakerParts, request: ImageRequest, revision: string): Promise<string> {
  return (await createImageMaker(parts)(request, { revision, gitRef: undefined }, () => {}, signal)).digest;
}

async function revisionOf(parts: ImageMakerParts, { source, ref }: ImageRequest): Promise<string> {
  return (await parts.packageSources.find(source, ref, signal)).revision;
}

const neededNix = (error: unknown): boolean =>
  error instanceof ConfigurationError && error.message.startsWith('Nix cannot be run');

describe('a new combination of known packages', () => {
  test('needs no Nix, and is what Nix would have made of it', async context => {
    const at = await place(context);
    const withNix = partsOf(context, at);
    const both = requestOf(at.set, 'app', 'tool');
    const revision = await revisionOf(withNix, both);
    for (const name of ['app', 'tool']) await digestOf(withNix, requestOf(at.set, name), revision);

    const withoutNix = partsOf(context, { ...at, nix: at.noNix });
    const made = await digestOf(withoutNix, both, revision);
    assert.equal(made, await digestOf(partsOf(context, { ...at, known: NOTHING_KNOWN }), both, revision));
    await assert.rejects(digestOf(withoutNix, requestOf(at.set, 'app', 'lib'), revision), neededNix);
  });

  test('is held to the limit as any other', async context => {
    const at = await place(context);
    const both = requestOf(at.set, 'app', 'tool');
    const parts = partsOf(context, at);
    const revision = await revisionOf(parts, both);
    await digestOf(parts, both, revision);
    await assert.rejects(digestOf({ ...parts, closureLimit: 1000 }, both, revision), PermanentError);
  });

  test('is made by Nix again where a path was collected', async context => {
    const at = await place(context);
    const parts = partsOf(context, at);
    const app = requestOf(at.set, 'app');
    const found = { revision: await revisionOf(parts, app), gitRef: undefined };
    const contents = async (nix: Nix, knownPackages = at.known): Promise<Contents> => {
      await using roots = await at.roots.begin();
      return await createGetContents({ ...parts, nix, knownPackages })(app, found, roots, () => {}, signal);
    };
    const before = await contents(at.nix);
    assert.deepEqual(inOrder(await contents(at.noNix)), inOrder(before));

    const paths = before.nodes.map(({ path }) => path);
    await runNix(at.nix, 'nix-store', ['--delete', '--ignore-liveness', ...paths], { signal });
    await assert.rejects(contents(at.noNix), neededNix);
    // It is there again, by somebody else's hands, and it is not the same.
    const again = await contents(at.nix, NOTHING_KNOWN);
    assert.notDeepEqual(inOrder(again), inOrder(before));
    await assert.rejects(contents(at.noNix), neededNix);
    assert.deepEqual(inOrder(await contents(at.nix)), inOrder(again));
    assert.deepEqual(inOrder(await contents(at.noNix)), inOrder(again));
  });
});

test('a package that the set is known not to have is refused as before, where somebody wants it', async context => {
  const at = await place(context);
  const app = requestOf(at.set, 'app');
  const parts = partsOf(context, at);
  const revision = await revisionOf(parts, app);
  await digestOf(parts, app, revision);
  const unknown = (error: unknown): boolean =>
    error instanceof PermanentError && /"cacert" is not in the package set/.test(error.message);
  await assert.rejects(digestOf(parts, requestOf(at.set, 'cacert'), revision), unknown);
  const everyImageIts = (error: unknown): boolean =>
    error instanceof PermanentError && /own package "cacert" is not in/.test(error.message);
  await assert.rejects(
    digestOf(partsOf(context, at, { contents: ['cacert'] }), app, revision),
    everyImageIts,
  );
});

describe('what is known of packages', () => {
  const naming = (set: string) => ({
    source: { kind: 'path', folder: set } as const,
    revision: AT,
    system: 'x86_64-linux',
    importArguments: IMAGE_SETTINGS.importArguments,
  });

  interface Known extends Place {
    readonly contents: Contents;
    readonly recall: (of: Naming, names: readonly string[]) => Promise<Contents | undefined>;
    readonly recallFrom: (
      known: KnownPackages,
      of: Naming,
      names: readonly string[],
    ) => Promise<Contents | undefined>;
  }

  async function known(context: TestContext): Promise<Known> {
    const at = await place(context);
    const parts = partsOf(context, { ...at, known: NOTHING_KNOWN });
    const request = requestOf(at.set, 'app');
    const found = { revision: await revisionOf(parts, request), gitRef: undefined };
    const roots = await at.roots.begin();
    context.after(() => roots[Symbol.asyncDispose]());
    const contents = await createGetContents(parts)(request, found, roots, () => {}, signal);
    await at.known.remember(naming(at.set), ['app', 'cacert'], contents, signal);
    const recallFrom: Known['recallFrom'] = (from, of, names) => from.recall(of, names, roots, signal);
    return { ...at, contents, recall: (of, names) => recallFrom(at.known, of, names), recallFrom };
  }

  test('is of one source, revision, system, store and set of arguments, and of no other', async context => {
    const { set, facts, nix, roots, recall, recallFrom, collected, contents } = await known(context);
    const names = ['app', 'cacert'];
    const own = naming(set);
    assert.deepEqual(inOrder(await recall(own, names)), inOrder(contents));
    for (const other of [
      { ...own, source: { kind: 'debian' } as const },
      { ...own, revision: 'another' },
      { ...own, system: 'aarch64-linux' },
      { ...own, importArguments: { config: { allowUnfree: true }, overlay: undefined } },
    ]) {
      assert.equal(await recall(other, names), undefined);
    }
    const otherStore = openKnownPackages({
      folder: facts,
      realPath: path => `${nix.realPath(path)}/.`,
      recent: roots.recent,
      log: collected.log,
    });
    assert.equal(await recallFrom(otherStore, own, names), undefined);
    assert.equal(await recall(own, ['app', 'tool']), undefined);
    // The package set is known to have no such name.
    assert.deepEqual(await recall(own, ['cacert']), { items: [], nodes: [] });
  });

  test('is not believed where it is damaged, and found out again', async context => {
    const { set, facts, known: here, recall, collected, contents } = await known(context);
    const [first = ''] = await readdir(facts);
    for (const file of await readdir(join(facts, first)))
      await writeFile(join(facts, first, file), '{"name":"app"');
    assert.equal(await recall(naming(set), ['app']), undefined);
    assert.equal(collected.lines.length, 1);
    await here.remember(naming(set), ['app'], contents, signal);
    assert.deepEqual(inOrder(await recall(naming(set), ['app'])), inOrder(contents));
  });

  test('is not believed where its closure lacks a part', async context => {
    const { set, facts, recall, collected } = await known(context);
    for (const file of await filesIn(facts)) {
      const fact = factOf(await readFile(file, 'utf8'));
      await writeFile(file, JSON.stringify({ ...fact, closure: fact.closure.slice(1) }));
    }
    assert.equal(await recall(naming(set), ['app']), undefined);
    assert.equal(collected.lines.length, 1);
  });

  test('is not believed where Nix was killed over the deletion of a path', async context => {
    const { set, nix, known: here, recall, contents } = await known(context);
    const app = contents.items.find(({ name }) => name === 'app') ?? assert.fail();
    await chmod(nix.realPath(app.path), 0o755);
    assert.equal(await recall(naming(set), ['app']), undefined);
    await here.remember(naming(set), ['app'], contents, signal);
    assert.equal(await recall(naming(set), ['app']), undefined);
  });

  test('is kept when it was found out, though all else seems younger by a clock that was set back', async context => {
    const { set, facts, known: here, recall, contents } = await known(context);
    for (let number = 1; number < 32; number++) {
      await here.remember({ ...naming(set), revision: `r${number}` }, ['app'], contents, signal);
    }
    for (const name of await readdir(facts)) {
      await utimes(join(facts, name), new Date('2100-01-01'), new Date('2100-01-01'));
    }
    const now = { ...naming(set), revision: 'r32' };
    await here.remember(now, ['app'], contents, signal);
    assert.deepEqual(inOrder(await recall(now, ['app'])), inOrder(contents));
    assert.equal((await readdir(facts)).length, 32);
  });

  test('goes with its revision: those used last are kept', async context => {
    const { set, facts, known: here, recall, contents } = await known(context);
    const remember = (revision: string): Promise<void> =>
      here.remember({ ...naming(set), revision }, ['app'], contents, signal);
    // Times of their own: a file system may tell moments apart no better than by some milliseconds.
    const used = async (date: string, but: readonly string[] = []): Promise<void> => {
      const names = (await readdir(facts)).filter(name => !but.includes(name));
      for (const name of names) await utimes(join(facts, name), new Date(date), new Date(date));
    };
    await used('2019-01-01');
    const first = await readdir(facts);
    await remember('r1');
    await used('2020-01-01', first);
    for (let number = 2; number < 32; number++) await remember(`r${number}`);
    assert.deepEqual(inOrder(await recall(naming(set), ['app'])), inOrder(contents));
    await remember('r32');
    assert.equal((await readdir(facts)).length, 32);
    assert.equal(await recall({ ...naming(set), revision: 'r1' }, ['app']), undefined);
    assert.deepEqual(inOrder(await recall(naming(set), ['app'])), inOrder(contents));
  });

  test('is not needed: an image is made all the same where nothing can be kept', async context => {
    const { set, facts, nix, roots, collected } = await known(context);
    await rm(facts, { recursive: true });
    await writeFile(facts, 'a file in the place of the folder');
    const here = openKnownPackages({
      folder: facts,
      realPath: nix.realPath,
      recent: roots.recent,
      log: collected.log,
    });
    const parts = partsOf(context, { nix, roots, known: here });
    const request = requestOf(set, 'app');
    await digestOf(parts, request, await revisionOf(parts, request));
    assert.match(String(collected.lines.at(-1)?.['message']), /cannot be kept/);
  });
});
