// T31: the store is kept within its limits.
import assert from 'node:assert/strict';
import { lutimes } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { StorePath } from '#core/store-path.ts';
import { collectLog, type CollectedLog } from '#test/collected-log.ts';
import { derivations, emptyStore, isValid } from '#test/worker/nix/binary-cache.ts';
import { createCollector, freeByDefault, type Collector } from '#worker/collection/collector.ts';
import type { Roots } from '#worker/collection/open-roots.ts';
import { diskSpace } from '#worker/collection/store-space.ts';
import type { Nix } from '#worker/nix/nix.ts';
import { rootsOf } from './places.ts';
import { smallDisk, storeOn } from './small-disk.ts';

const signal = AbortSignal.timeout(120_000);

const MB = 1_000_000;

/** Packages of so many MB each, that were used last in this order, long ago. */
async function packagesUsed(
  context: TestContext,
  nix: Nix,
  { recent }: Roots,
  sizes: Readonly<Record<string, number>>,
): Promise<StorePath[]> {
  const scripts = Object.entries(sizes).map(([name, size]) => [
    name,
    `head -c ${size * MB} /dev/urandom >$out`,
  ]);
  const made = Object.values(await derivations(context, nix, Object.fromEntries(scripts), true));
  const paths = made.map(({ path }) => path);
  await recent.add(paths, signal);
  for (const [index, path] of paths.entries()) {
    const time = new Date(Date.UTC(2020, 0, index + 1));
    await lutimes(join(nix.stateFolder, 'gcroots/derivery/recent', basename(path)), time, time);
  }
  return paths;
}

function collectorOf(
  nix: Nix,
  roots: Roots,
  limits: { readonly storeLimit?: number; readonly freeAtLeast?: number },
): CollectedLog & { readonly collector: Collector } {
  const collected = collectLog();
  const { storeLimit, freeAtLeast = 0 } = limits;
  const { log } = collected;
  return { ...collected, collector: createCollector({ nix, roots, storeLimit, freeAtLeast, log, signal }) };
}

const there = (nix: Nix, paths: readonly StorePath[]): Promise<boolean[]> =>
  Promise.all(paths.map(path => isValid(nix, path)));

test('T31: over its limit the store loses what was used longest ago, and no more than it has to', async context => {
  const nix = await emptyStore(context);
  const roots = await rootsOf(context, nix);
  const paths = await packagesUsed(context, nix, roots, { a: 2, b: 2, c: 2, d: 2 });
  const [first] = paths;
  assert.ok(first);

  const enough = collectorOf(nix, roots, { storeLimit: 9 * MB });
  await enough.collector.look();
  assert.deepEqual(await there(nix, paths), [true, true, true, true]);

  await roots.recent.touch([first]);
  const { collector, lines } = collectorOf(nix, roots, { storeLimit: 7 * MB });
  await collector.look();
  assert.deepEqual(await there(nix, paths), [true, false, true, true]);
  await collector.look();
  assert.equal(lines.length, 1, 'there was nothing more to do');
});

test('T31: two workers of a store collect in turn, and take nothing that a build of either needs', async context => {
  const nix = await emptyStore(context);
  const workers = await Promise.all([rootsOf(context, nix), rootsOf(context, nix)]);
  const [one, other] = workers;
  const paths = await packagesUsed(context, nix, one, { a: 2, b: 2, c: 2, d: 2 });
  const [first] = paths;
  assert.ok(first);
  await using building = await other.begin();
  assert.equal(await building.keep([first], signal), true);

  const collectors = workers.map(roots => collectorOf(nix, roots, { storeLimit: 7 * MB }));
  await Promise.all(collectors.map(({ collector }) => collector.look()));
  assert.deepEqual(await there(nix, paths), [true, false, true, true]);
  assert.equal(collectors.flatMap(({ lines }) => lines).length, 1, 'once was enough');

  const { collector, lines } = collectorOf(nix, one, { storeLimit: MB });
  await collector.look();
  assert.deepEqual(await there(nix, paths), [true, false, false, false]);
  assert.match(String(lines[0]?.['message']), /cannot be made smaller: builds need what is in it/);
});

test('T31: a worker that has nothing to do collects where its disk is nearly full', async context => {
  const disk = smallDisk(context, 48);
  if (disk === undefined) return;
  const nix = await storeOn(disk);
  const roots = await rootsOf(context, nix);
  const paths = await packagesUsed(context, nix, roots, { a: 8, b: 8 });
  const { free, total } = await diskSpace(nix);
  assert.equal(freeByDefault(total), total / 10);
  const { collector } = collectorOf(nix, roots, { freeAtLeast: free - MB });
  await collector.look();
  assert.deepEqual(await there(nix, paths), [true, true]);

  const low = collectorOf(nix, roots, { freeAtLeast: free + MB / 10 });
  await low.collector.look();
  assert.ok((await diskSpace(nix)).free > free + 7 * MB);
  assert.equal((await there(nix, paths))[0], false);
});

test('T31: room that no collection makes is waited for', async context => {
  const disk = smallDisk(context, 48);
  if (disk === undefined) return;
  const nix = await storeOn(disk);
  const { collector, ...log } = collectorOf(nix, await rootsOf(context, nix), { freeAtLeast: MB });
  const empty = disk.fill();
  let isOver = false;
  const room = collector.makeRoom().then(() => (isOver = true));
  await Promise.race([log.until(1, ({ message }) => /waits for room/.test(String(message))), room]);
  assert.equal(isOver, false);
  empty();
  await room;
  assert.ok((await diskSpace(nix)).free > MB);

  await collector.makeRoom();
  const waits = log.lines.filter(({ message }) => /waits for room/.test(String(message)));
  assert.equal(waits.length, 1, 'there is room now');
});

test('the default leaves a tenth of a disk free, and of a large one no more than 10 GB', () => {
  assert.equal(freeByDefault(50e9), 5e9);
  assert.equal(freeByDefault(2e12), 10e9);
});
