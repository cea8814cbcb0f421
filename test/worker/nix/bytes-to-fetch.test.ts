import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { bytesToFetch, parseBytesToFetch } from '#worker/nix/bytes-to-fetch.ts';
import { runNix } from '#worker/nix/run-nix.ts';
import { cacheOf, derivations, emptyStore, isValid } from './binary-cache.ts';

const signal = AbortSignal.timeout(60_000);
const MIB = 1024 * 1024;

const SCRIPTS = {
  data: `head -c ${2 * MIB} /dev/zero >$out`,
  tool: `head -c ${8 * MIB} /dev/zero >$out`,
  app: `mkdir $out; ln -s \${data} $out/data; head -c ${MIB} /dev/zero >$out/program; test -e \${tool}`,
  // Needs another tool, to be built with and not to run.
  small: `test -e \${tool}; echo \${app} >/dev/null; echo small >$out`,
};

suite('from a cache', { timeout: 60_000 }, () => {
  test('what is fetched at run time counts, and nothing is fetched to know it', async context => {
    const builder = await emptyStore(context);
    const built = await derivations(context, builder, SCRIPTS, true);
    const { app, data, tool, small } = built;
    assert.ok(app && data && tool && small);
    const cache = await cacheOf(context, builder, [app.path, tool.path]);

    const store = await emptyStore(context, { from: cache });
    await derivations(context, store, SCRIPTS);
    const toFetch = (...paths: (typeof app.path)[]): Promise<number> =>
      bytesToFetch(store, paths, { signal });
    const bytes = await toFetch(app.path);
    // Without the 8 MiB that only its build needs, and to the nearest 1/10 MiB.
    assert.ok(bytes > 2.9 * MIB && bytes < 3.1 * MIB, `${bytes}`);
    assert.equal(await toFetch(app.path, data.path, app.path), bytes);
    // No cache has it: to build it, 11 MiB are fetched, and none of them for the image.
    assert.equal(await toFetch(small.path), 0);
    assert.equal(await toFetch(small.path, app.path), bytes);
    for (const { path } of [app, data, tool]) assert.equal(await isValid(store, path), false, path);

    await runNix(store, 'nix-store', ['--realise', data.drv], { signal });
    assert.equal(await isValid(store, data.path), true);
    const rest = await toFetch(app.path);
    assert.ok(rest > 0.9 * MIB && rest < 1.1 * MIB, `${rest}`);
    assert.equal(await toFetch(data.path), 0);
    assert.equal(await toFetch(), 0);
  });

  test('that is not there nothing is sure to be fetched', async context => {
    const store = await emptyStore(context, { from: 'file:///nonexistent' });
    const { data } = await derivations(context, store, SCRIPTS);
    assert.ok(data);
    assert.equal(await bytesToFetch(store, [data.path], { signal }), 0);
  });
});

suite('what Nix says of a download', () => {
  const lines: readonly [line: string, bytes: number | undefined][] = [
    ['these 3 paths will be fetched (0.00 MiB download, 2.38 MiB unpacked):', 2.375 * MIB],
    ['this path will be fetched (0.00 MiB download, 0.00 MiB unpacked):', 0],
    ['these 2 paths will be fetched (0.8 KiB download, 2.4 MiB unpacked):', Math.ceil(2.35 * MIB)],
    ['these 900 paths will be fetched (1.2 GiB download, 6.1 GiB unpacked):', Math.ceil(6.05 * 1024 * MIB)],
    [
      'these 900 paths will be fetched (1229.00 MiB download, 6246.40 MiB unpacked):',
      Math.ceil(6246.395 * MIB),
    ],
    ['this path will be fetched (120 B download, 512 B unpacked):', 512],
    ['these 2 derivations will be built:', undefined],
    ["copying path '/nix/store/x' from 'file:///cache'...", undefined],
    ["don't know how to build these paths:", undefined],
  ];
  for (const [line, bytes] of lines) {
    test(line, () => assert.equal(parseBytesToFetch(line), bytes));
  }
});
