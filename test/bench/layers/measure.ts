// The figures of a planner in a workload.
import { percentile } from '../statistics.ts';
import { layersByPlan } from './layers-of.ts';
import type { Plan, Planner } from './planners/planner.ts';
import { onePerPath } from './planners/simple.ts';
import { randomOf } from '#test/random.ts';
import { replay, storageOf } from './replay.ts';
import { contentsOf, type ContentOf } from './revisions.ts';
import { makeWorkload, type Image, type Workload, type WorkloadShape } from './workload.ts';
import type { PackageGraph } from './package-graph.ts';

/** Ratios are to one layer per path without a limit, which nobody can go below. */
export interface Figures {
  readonly bytesByDigest: number;
  readonly bytesByChain: number;
  readonly bytesUnpacked: number;
  readonly storage: number;
  readonly newLayersPerPull: number;
  readonly layersMean: number;
  readonly layersP95: number;
  readonly layersMax: number;
  /** MB of archives that have to be compressed for an image, on the average of all from the first one on. */
  readonly compressedPerImage: number;
  readonly planMsP50: number;
  readonly planMsP99: number;
  /** Images that are planned otherwise when the same input comes in another order. */
  readonly unstable: number;
}

/** Returns what measures planners in the workload of this shape. */
export function measureIn(
  graph: PackageGraph,
  shape: WorkloadShape,
  seed: number,
): (planner: Planner) => Figures {
  const workload = makeWorkload(graph, shape, seed);
  const contentOf = contentsOf(graph, workload.revisions, randomOf(seed + 1));
  const ideal = consumption(workload, onePerPath.prepare(workload), contentOf);

  return planner => {
    const plan = planner.prepare(workload);
    const { traffic, storage, counts } = consumption(workload, plan, contentOf);
    const times = planTimes(plan, workload.images.slice(0, 200));
    return {
      bytesByDigest: traffic.byDigest / ideal.traffic.byDigest,
      bytesByChain: traffic.byChain / ideal.traffic.byDigest,
      bytesUnpacked: traffic.unpacked / ideal.newPathBytes,
      storage: storage.compressed / ideal.storage.compressed,
      newLayersPerPull: traffic.newLayers / traffic.pulls,
      layersMean: counts.reduce((all, count) => all + count, 0) / counts.length,
      layersP95: percentile(counts, 95),
      layersMax: Math.max(...counts),
      compressedPerImage: storage.unpacked / (workload.images.length * workload.revisions) / 1e6,
      planMsP50: percentile(times, 50),
      planMsP99: percentile(times, 99),
      unstable: unstablePlans(workload, planner, plan, seed),
    };
  };
}

function consumption(workload: Workload, plan: Plan, contentOf: ContentOf) {
  const layersOf = layersByPlan(plan, contentOf);
  return {
    traffic: replay(workload, layersOf),
    storage: storageOf(workload, layersOf),
    counts: workload.images.map(image => layersOf(image, 0).length),
    newPathBytes: replay(workload, unchained(layersOf)).unpacked,
  };
}

/** The same layers as clients would unpack them that know each by itself. */
function unchained(layersOf: ReturnType<typeof layersByPlan>): ReturnType<typeof layersByPlan> {
  return (image, revision) => layersOf(image, revision).map(layer => ({ ...layer, chain: layer.digest }));
}

/** Milliseconds for each image: the shortest of three runs, for others on the machine make the longest. */
function planTimes(plan: Plan, images: readonly Image[]): number[] {
  return images.map(image => {
    const runs = [1, 2, 3].map(() => {
      const start = performance.now();
      plan(image);
      return performance.now() - start;
    });
    return Math.min(...runs);
  });
}

/** Plans each image twice more, from input that is shuffled; what was learned before is learned anew from shuffled input too. */
function unstablePlans(workload: Workload, planner: Planner, plan: Plan, seed: number): number {
  const random = randomOf(seed + 2);
  const again = planner.prepare(shuffledWorkload(workload, random.shuffled));
  const others = workload.images.map(image => ({
    image,
    shuffled: [1, 2].map(() => ({
      requested: random.shuffled(image.requested),
      closure: random.shuffled(image.closure),
    })),
  }));
  return others.filter(({ image, shuffled }) => {
    const expected = planText(plan, image);
    return shuffled.some(other => planText(again, other) !== expected);
  }).length;
}

function shuffledWorkload(workload: Workload, shuffled: <T>(values: readonly T[]) => T[]): Workload {
  const { demand, graph } = workload;
  return {
    ...workload,
    graph: { ...graph, nodes: shuffled(graph.nodes) },
    demand:
      'counts' in demand
        ? { ...demand, counts: new Map(shuffled([...demand.counts])) }
        : { ...demand, roots: shuffled(demand.roots) },
  };
}

function planText(plan: Plan, image: Image): string {
  return plan(image)
    .map(nodes =>
      nodes
        .map(({ id }) => id)
        .toSorted((a, b) => a - b)
        .join(),
    )
    .join('|');
}
