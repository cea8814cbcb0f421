// What the planner of layers knows of a revision of a package set: frozen, and the same for every worker and every image.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { dependencyGraph, type GraphNode } from './dependency-graph.ts';
import { assignAnchors, type AnchorConstants } from './layer-anchors.ts';
import { demandOfGraph, type Demand, type GraphPrior } from './layer-demand.ts';
import { byCodeUnits } from './order.ts';
import { storePathSchema, type StorePath } from './store-path.ts';

export const snapshotIdSchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .brand('SnapshotId');

/** The hash of all that a snapshot holds: two of one id plan alike. */
export type SnapshotId = z.infer<typeof snapshotIdSchema>;

/** Store paths that share a layer in every image that has the anchor. */
export interface Bundle {
  readonly anchor: StorePath;
  /** How many images have it, of those that the snapshot counts. */
  readonly count: number;
}

export interface Snapshot {
  readonly id: SnapshotId;
  /** Images that were counted; without history, what can be asked for. */
  readonly images: number;
  /** The bundle that each path is in. Paths that are not here are outside the snapshot. */
  readonly bundles: ReadonlyMap<StorePath, Bundle>;
}

/**
 * A snapshot as it is stored, in JSON: for each bundle its anchor, its count, and the other paths in it. The order of
 * bundles and paths says nothing.
 */
export const storedSnapshotSchema = z.object({
  format: z.literal(1),
  images: z.number().nonnegative(),
  bundles: z.array(z.tuple([storePathSchema, z.number().positive(), z.array(storePathSchema)])),
});

export type StoredSnapshot = z.infer<typeof storedSnapshotSchema>;

/**
 * The snapshot of a package set: `nodes` with all that they refer to, and what is known of demand, or else what can be asked
 * for. Pure: the order of nothing matters. Throws where the graph is not closed under references, or has circles.
 */
export function makeSnapshot(
  nodes: readonly GraphNode[],
  known: Demand | GraphPrior,
  constants?: AnchorConstants,
): Snapshot {
  const graph = dependencyGraph(nodes);
  const demand = 'counts' in known ? known : demandOfGraph(graph, known);
  const bundles = Map.groupBy(assignAnchors(graph, demand, constants), ([, anchor]) => anchor);
  return readSnapshot({
    format: 1,
    images: demand.images,
    bundles: [...bundles].map(([anchor, members]) => [
      anchor,
      demand.counts.get(anchor) ?? 0,
      members.flatMap(([path]) => (path === anchor ? [] : [path])),
    ]),
  });
}

/** A snapshot of nothing: every path is outside it. */
export const EMPTY_SNAPSHOT: Snapshot = readSnapshot({ format: 1, images: 0, bundles: [] });

/** What was stored, as the planner takes it. Throws where a path is in two bundles. */
export function readSnapshot(stored: StoredSnapshot): Snapshot {
  const bundles = new Map<StorePath, Bundle>();
  for (const [anchor, count, others] of stored.bundles) {
    const bundle = { anchor, count };
    for (const path of [anchor, ...others]) {
      if (bundles.has(path)) throw new Error(`the snapshot has ${path} in two bundles`);
      bundles.set(path, bundle);
    }
  }
  return { id: idOf(stored), images: stored.images, bundles };
}

/** A snapshot as it is to be stored: the same text for the same snapshot, by `JSON.stringify`. */
export function storedSnapshot({ images, bundles }: Snapshot): StoredSnapshot {
  return canonical({
    format: 1,
    images,
    bundles: [...Map.groupBy(bundles, ([, bundle]) => bundle)].map(([{ anchor, count }, members]) => [
      anchor,
      count,
      members.flatMap(([path]) => (path === anchor ? [] : [path])),
    ]),
  });
}

function canonical({ format, images, bundles }: StoredSnapshot): StoredSnapshot {
  return {
    format,
    images,
    bundles: bundles
      .toSorted(([a], [b]) => byCodeUnits(a, b))
      .map(([anchor, count, others]) => [anchor, count, others.toSorted(byCodeUnits)]),
  };
}

function idOf(stored: StoredSnapshot): SnapshotId {
  const text = JSON.stringify(canonical(stored));
  return snapshotIdSchema.parse(createHash('sha256').update(text).digest('hex'));
}
