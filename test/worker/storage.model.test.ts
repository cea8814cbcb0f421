// Random interleavings of builds, of the janitor, of deaths and of pauses of both, on a bucket and documents in memory: the
// worker's own code against the transitions of a blob's life. DERIVERY_TEST_STORAGE_MODEL_RUNS: how many. A failure says the seed
// and the path that fast-check replays it by.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { build, drop, inspectAll, sweep } from './storage-model/actors.ts';
import { World } from './storage-model/world.ts';

const RUNS = Number(process.env['DERIVERY_TEST_STORAGE_MODEL_RUNS'] ?? 250);

const image = fc.constantFrom('first', 'second');
/** So few that they are the same all the time. */
const layers = fc.constantFrom(['a'], ['b'], ['a', 'b']);

/** Whether others stand still until it has ended. */
const atOnce = fc.boolean();

const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('go' as const),
      who: fc.nat(9),
      times: fc.integer({ min: 1, max: 8 }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('build' as const), image, layers, atOnce }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('sweep' as const), atOnce }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('inspect' as const), atOnce }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('drop' as const), image, atOnce: fc.constant(true) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      seconds: fc.constantFrom(1, 5, 5, 5, 5, 9, 3_601),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('kill' as const), who: fc.nat(9) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
const courses = fc.array(step, { minLength: 20, maxLength: 100, size: 'max' });

async function play(world: World, next: Step): Promise<void> {
  switch (next.kind) {
    case 'go':
      for (let time = 0; time < next.times; time += 1) {
        await world.step(next.who);
        await world.check();
      }
      return;
    case 'wait':
      world.clock.now += next.seconds * 1000;
      return;
    case 'kill':
      return world.kill(next.who);
    default: {
      const playing = world.play(workOf(world, next));
      if (next.atOnce) await world.finish(playing);
      return world.check();
    }
  }
}

function workOf(
  world: World,
  next: Exclude<Step, { kind: 'go' | 'wait' | 'kill' }>,
): ReturnType<typeof sweep> {
  switch (next.kind) {
    case 'build':
      return build(world, next.image, next.layers);
    case 'sweep':
      return sweep(world);
    case 'inspect':
      return inspectAll(world);
    case 'drop':
      return drop(world, next.image);
  }
}

test('T5, T7, T8: whatever a manifest names is there, whoever builds, collects and dies in whatever order', async () => {
  await fc.assert(
    fc.asyncProperty(courses, async course => {
      const world = new World();
      for (const next of course) await play(world, next);
      await world.finish();
      await world.check();

      // However it was left, an image can be made of it.
      world.play(build(world, 'last', ['a', 'b']));
      await world.finish();
      await world.check();
      assert.ok(world.manifests.has('last'));

      // What nothing names goes, and nothing else.
      for (const name of ['first', 'second']) world.manifests.delete(name);
      for (let sweeps = 0; sweeps < 4; sweeps += 1) {
        world.clock.now += 10_000;
        world.play(sweep(world));
        await world.finish();
        await world.check();
      }
      assert.deepEqual([...world.objects.keys()].toSorted(), world.manifests.get('last')?.toSorted());
      for (const digest of world.known()) {
        assert.equal((await world.documents.read(digest)).document !== undefined, world.isNamed(digest));
      }
    }),
    { numRuns: RUNS },
  );
});
