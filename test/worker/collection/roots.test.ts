// T31: what is collected while images are made.
import assert from 'node:assert/strict';
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, lutimes, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { TransientError } from '#core/errors.ts';
import { derivations, emptyStore, isValid } from '#test/worker/nix/binary-cache.ts';
import { scratchSet } from '#test/worker/nix/scratch-set.ts';
import { storeFolder } from '#test/worker/nix/store-folder.ts';
import { temporaryFolder } from '#test/worker/pack/trees.ts';
import { createBuildRoots, UNCOLLECTED } from '#worker/collection/build-roots.ts';
import { createRecentPaths } from '#worker/collection/recent-paths.ts';
import { resolveAndKeep } from '#worker/collection/resolve-and-keep.ts';
import { createImageMaker, type ImageMakerParts } from '#worker/make-image.ts';
import type { Nix } from '#worker/nix/nix.ts';
import { realise } from '#worker/nix/realise.ts';
import { runNix } from '#worker/nix/run-nix.ts';
import { NO_ARGUMENTS, found, SYSTEM } from '#test/nix/debian-set.ts';
import { collectAll, makerParts, requestOf, rootsOf } from './places.ts';

const signal = AbortSignal.timeout(120_000);

const SET = {
  lib: 'mkdir $out; date +%N >$out/lib',
  app: 'mkdir -p $out/bin; echo ${lib} >$out/bin/app',
  tool: 'mkdir -p $out/bin; echo ${lib} >$out/bin/tool',
};

/** The same parts; but before layers are packed, `meanwhile` happens. */
function interrupted(parts: ImageMakerParts, meanwhile: () => Promise<void>): ImageMakerParts {
  const { layerStore } = parts;
  const storeAll: typeof layerStore.storeAll = async (...args) => {
    await meanwhile();
    return layerStore.storeAll(...args);
  };
  return { ...parts, layerStore: { ...layerStore, storeAll } };
}

describe('T31: a collection while an image is packed', () => {
  test('takes nothing of it, whether Nix brought it or it was known; without roots it does', async context => {
    const nix = await emptyStore(context);
    const set = await scratchSet(context, SET);
    const roots = await rootsOf(context, nix);
    const parts = makerParts(context, nix, roots);
    const { revision } = await parts.packageSources.find(requestOf(set).source, 'latest', signal);
    const make = async (of: ImageMakerParts, ...names: string[]): Promise<string> => {
      const at = { revision, gitRef: undefined };
      return (await createImageMaker(of)(requestOf(set, ...names), at, () => {}, signal)).digest;
    };
    const { garbage } = await derivations(context, nix, { garbage: 'echo garbage >$out' }, true);
    assert.ok(garbage);
    const collect = async (): Promise<void> => {
      await roots.recent.forget(Infinity);
      await collectAll(nix);
    };

    await make(interrupted(parts, collect), 'app');
    assert.equal(await isValid(nix, garbage.path), false, 'there was a collection');

    const first = await make(parts, 'app');
    // What is known stays after the image is made.
    await collectAll(nix);
    const noNix = { ...nix, environment: { ...nix.environment, PATH: '/nonexistent' } };
    assert.equal(await make(interrupted({ ...parts, nix: noNix }, collect), 'app'), first);

    const unkept = interrupted({ ...parts, beginRoots: UNCOLLECTED }, collect);
    await assert.rejects(make(unkept, 'app'), TransientError);
  });

  test('leaves nothing of it behind when the image is made, or has failed', async context => {
    const nix = await emptyStore(context);
    const set = await scratchSet(context, { ...SET, failing: 'exit 1' });
    const parts = makerParts(context, nix, await rootsOf(context, nix));
    const { revision } = await parts.packageSources.find(requestOf(set).source, 'latest', signal);
    const builds = join(nix.stateFolder, 'gcroots/derivery/builds/0');
    const make = createImageMaker(
      interrupted(parts, async () => assert.equal((await readdir(builds)).length, 2)),
    );
    const at = { revision, gitRef: undefined };
    await make(requestOf(set, 'app'), at, () => {}, signal);
    assert.deepEqual(await readdir(builds), ['lock']);
    await assert.rejects(make(requestOf(set, 'failing'), at, () => {}, signal));
    assert.deepEqual(await readdir(builds), ['lock']);
  });
});

describe('T31: a collection between evaluation and realisation', () => {
  const evaluation = async (context: TestContext, nix: Nix) => {
    const source = await storeFolder(nix, await scratchSet(context, SET));
    return { source, system: SYSTEM, importArguments: NO_ARGUMENTS, packages: ['app'] };
  };

  test('takes no derivation that is kept', async context => {
    const nix = await emptyStore(context);
    const { begin } = await rootsOf(context, nix);
    for (const beginRoots of [begin, UNCOLLECTED]) {
      await using roots = await beginRoots();
      const items = found(await resolveAndKeep(nix, roots, await evaluation(context, nix), { signal }));
      await collectAll(nix);
      const realised = realise(nix, items, { signal, roots });
      await (beginRoots === begin ? realised : assert.rejects(realised, TransientError));
    }
  });

  test('does not begin before they are kept', async context => {
    const nix = await emptyStore(context);
    const { begin } = await rootsOf(context, nix);
    await using roots = await begin();
    const held = await roots.holdOff();
    assert.ok(held);
    const { lib } = await derivations(context, nix, { lib: 'echo lib >$out' });
    assert.ok(lib);
    const waits = Promise.withResolvers<void>();
    const onLine = (line: string): void => {
      if (line.includes('waiting for the big garbage collector lock')) waits.resolve();
    };
    const collection = runNix(nix, 'nix-store', ['--gc'], { signal, onLine });
    await Promise.race([waits.promise, collection]);
    assert.equal(await isValid(nix, lib.drv as typeof lib.path), true);
    assert.equal(await roots.keep([lib.drv], signal), true);
    held[Symbol.dispose]();
    await collection;
    assert.equal(await isValid(nix, lib.drv as typeof lib.path), true);
  });
});

test('T31: what builds of a killed worker kept is given up by the next one; not that of one that lives', async context => {
  const nix = await emptyStore(context);
  const store = join(nix.stateFolder, '../../..');
  const spool = temporaryFolder(context);
  const { left, alive } = await derivations(
    context,
    nix,
    { left: 'echo left >$out', alive: 'echo alive >$out' },
    true,
  );
  assert.ok(left && alive);
  const workers = [];
  for (const { path } of [left, alive]) {
    const worker = fork(join(import.meta.dirname, 'fixtures/building.ts'), [store, spool, path]);
    context.after(() => worker.kill('SIGKILL'));
    assert.deepEqual(await once(worker, 'message'), [true, undefined]);
    workers.push(worker);
  }
  await collectAll(nix);
  assert.deepEqual([await isValid(nix, left.path), await isValid(nix, alive.path)], [true, true]);
  const [killed] = workers;
  killed?.kill('SIGKILL');
  await once(killed ?? assert.fail(), 'exit');
  await rootsOf(context, nix, spool);
  await collectAll(nix);
  assert.deepEqual([await isValid(nix, left.path), await isValid(nix, alive.path)], [false, true]);
});

test('T31: a daemon is told of each link, and finds it', async context => {
  const nix = await emptyStore(context);
  const store = join(nix.stateFolder, '../../..');
  const { kept, recent, gone } = await derivations(
    context,
    nix,
    { kept: 'echo kept >$out', recent: 'echo recent >$out', gone: 'echo gone >$out' },
    true,
  );
  assert.ok(kept && recent && gone);
  const place = temporaryFolder(context);
  const socket = join(place, 'socket');
  const daemon = spawn('nix-daemon', nix.options, {
    env: { ...nix.environment, NIX_DAEMON_SOCKET_PATH: socket },
    stdio: 'ignore',
  });
  context.after(() => daemon.kill());
  while (
    !(await access(socket).then(
      () => true,
      () => false,
    ))
  ) {
    assert.equal(daemon.exitCode, null);
    await new Promise(setImmediate);
  }
  const byDaemon = { ...nix, options: ['--option', 'store', `unix://${socket}?root=${store}`] };
  const folder = { path: join(place, 'roots'), kind: 'indirect' } as const;
  await mkdir(folder.path);
  await using roots = await createBuildRoots(byDaemon, folder, join(place, 'collecting'))();
  assert.equal(await roots.keep([kept.drv, kept.path], signal), true);
  const paths = createRecentPaths(byDaemon, folder, async () => []);
  await paths.add([recent.path], signal);
  await collectAll(byDaemon);
  for (const path of [kept.drv, kept.path, recent.path])
    assert.equal(await isValid(nix, path as typeof kept.path), true, path);
  assert.equal(await isValid(nix, gone.path), false);
  assert.equal(await roots.keep([gone.path], signal), false);
  assert.equal(await paths.touch([recent.path]), true);
  await paths.forget(1);
  assert.equal(await paths.touch([recent.path]), false);
});

test('packages are forgotten by the time of their last use', async context => {
  const nix = await emptyStore(context);
  const { recent } = await rootsOf(context, nix);
  const scripts = Object.fromEntries(['a', 'b', 'c'].map(name => [name, `echo ${name} >$out`]));
  const { a, b, c } = await derivations(context, nix, scripts, true);
  assert.ok(a && b && c);
  const folder = join(nix.stateFolder, 'gcroots/derivery/recent');
  await recent.add([a.path, b.path, c.path], signal);
  for (const [index, { path }] of [a, b, c].entries()) {
    const time = new Date(Date.UTC(2020, index));
    await lutimes(join(folder, path.slice('/nix/store/'.length)), time, time);
  }
  assert.equal(await recent.touch([a.path]), true);
  assert.equal(await recent.forget(1), 1);
  assert.deepEqual(await Promise.all([a, b, c].map(({ path }) => recent.touch([path]))), [true, false, true]);
  assert.equal(await recent.touch([a.path, b.path]), false);
  assert.equal(await recent.count(), 2);
});
