// Which store paths of a package set travel together, whatever image they are in: anchor bundles.
import { reachable, type DependencyGraph, type GraphNode } from './dependency-graph.ts';
import type { Demand } from './layer-demand.ts';
import { byName, type StorePath } from './store-path.ts';

export interface AnchorConstants {
  /** Bytes, compressed, that one layer less is worth. */
  readonly lambda: number;
  /** How much worse it is that a path is made anew with its anchor than that it is sent without need. */
  readonly kappa: number;
  /** How likely a path is to change from one revision to the next by itself. */
  readonly churn: number;
}

/** 128 KB: fewer bytes and less storage than 256 KB, for a few layers more. The benchmark compares them. */
export const ANCHOR_CONSTANTS: AnchorConstants = { lambda: 128_000, kappa: 1, churn: 0.01 };

/**
 * The anchor of each path that is in any image. Where the anchor is, the path is, since the anchor needs it; so the paths
 * of one anchor are a layer that is whole in every image which has the anchor.
 *
 * A path joins a dependent's anchor where what that wastes is less than a layer is worth: the path's size times the
 * chance that an image has the path without the anchor, and the chance that the anchor changes where the path would not. Else it is its own
 * anchor. Dependents are looked at before what they depend on, and only their anchors count: any such order gives the same.
 */
export function assignAnchors(
  graph: DependencyGraph<GraphNode>,
  { counts }: Pick<Demand, 'counts'>,
  { lambda, kappa, churn }: AnchorConstants = ANCHOR_CONSTANTS,
): Map<StorePath, StorePath> {
  const countOf = graph.nodes.map(({ path }) => counts.get(path) ?? 0);
  const churnOf = churnTable(graph, countOf, churn);
  /** By place: the places of its dependents' anchors. */
  const offers = graph.nodes.map(() => new Set<number>());
  const anchors = new Map<StorePath, StorePath>();

  function costOf(anchor: number, place: number): number {
    const missing = 1 - (countOf[anchor] ?? 0) / (countOf[place] ?? 0);
    return missing + kappa * Math.max(0, (churnOf[anchor] ?? 0) - (churnOf[place] ?? 0));
  }

  for (const [place, node] of graph.nodes.entries()) {
    if (countOf[place] === 0) continue;
    let best: { readonly anchor: number; readonly path: StorePath; readonly cost: number } | undefined;
    for (const anchor of offers[place] ?? []) {
      const path = graph.nodes[anchor]?.path ?? node.path;
      const cost = costOf(anchor, place);
      const isBetter =
        best === undefined || cost < best.cost || (cost === best.cost && byName(path, best.path) < 0);
      if (isBetter) best = { anchor, path, cost };
    }
    const joined = best !== undefined && sizeInLayer(node) * best.cost < lambda ? best : undefined;
    anchors.set(node.path, joined?.path ?? node.path);
    for (const dependency of graph.dependencies[place] ?? [])
      offers[dependency]?.add(joined?.anchor ?? place);
  }
  return anchors;
}

/** By place: how likely a path is to be another one in the next revision, which it is when anything in its closure changes. */
function churnTable(
  graph: DependencyGraph<GraphNode>,
  countOf: readonly number[],
  churn: number,
): readonly number[] {
  const changes = changeTable(churn, graph.nodes.length);
  // More paths than that are no more likely to change. So what needs one with as many is not gone through, path by path: a
  // cache may tell of a hundred thousand in a row.
  const most = changes.length - 1;
  const sizes = graph.nodes.map(() => 0);
  for (const place of [...graph.nodes.keys()].reverse()) {
    if (countOf[place] === 0) continue;
    const needsMost = graph.dependencies[place]?.some(dependency => sizes[dependency] === most) ?? false;
    sizes[place] = needsMost ? most : Math.min(reachable(graph, [place]).size, most);
  }
  return sizes.map(size => changes[size] ?? 0);
}

/**
 * How likely it is that any of so many paths changes, up to `limit` of them or as many as make it certain, as far as a number
 * can tell. Powers by repeated multiplication, so that no engine's `pow` can decide a tie.
 */
function changeTable(churn: number, limit: number): readonly number[] {
  const changes = [0];
  for (let stays = 1; changes.length <= limit && changes.at(-1) !== 1;) {
    stays *= 1 - churn;
    changes.push(1 - stays);
  }
  return changes;
}

/** Bytes of a path in a layer: as a binary cache has it, else a third of its archive, about what gzip makes of it. */
export function sizeInLayer({ fileSize, narSize }: Pick<GraphNode, 'fileSize' | 'narSize'>): number {
  return fileSize ?? narSize / 3;
}
