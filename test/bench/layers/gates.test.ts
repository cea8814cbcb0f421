// What the planner of layers has to reach, in the whole workloads of the benchmark.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { measureIn, type Figures } from './measure.ts';
import { readPackageGraph } from './package-graph.ts';
import { derivery } from './planners/derivery.ts';
import { nixery } from './planners/nixery.ts';
import { WORKLOADS } from './workload.ts';

/** All but times, which say more of the machine. */
const COLUMNS = [
  'bytesByDigest',
  'bytesByChain',
  'bytesUnpacked',
  'storage',
  'newLayersPerPull',
  'layersMean',
  'layersP95',
  'layersMax',
  'compressedPerImage',
] as const satisfies readonly (keyof Figures)[];

for (const name of ['base', 'heavy', 'cold-start', 'well-known'] as const) {
  describe(`layers in the workload ${name}`, () => {
    let [ours, theirs]: Partial<Figures>[] = [];
    before(() => {
      const measure = measureIn(readPackageGraph(), WORKLOADS[name], 1);
      [ours, theirs] = [derivery, nixery].map(measure);
    });

    test('have clients download at most 1.06 times what is ideal', () => {
      assert.ok((ours?.bytesByDigest ?? Infinity) <= 1.06, JSON.stringify(ours));
    });

    test('have the registry keep at most 1.35 times what is ideal', () => {
      assert.ok((ours?.storage ?? Infinity) <= 1.35, JSON.stringify(ours));
    });

    for (const column of COLUMNS) {
      test(`are better than Nixery’s: ${column}`, () => {
        const [mine = Infinity, other = 0] = [ours?.[column], theirs?.[column]];
        assert.ok(mine < other, `${mine} is not less than ${other}`);
      });
    }

    test('are the same whatever the order of the input', () => {
      assert.equal(ours?.unstable, 0);
    });
  });
}
